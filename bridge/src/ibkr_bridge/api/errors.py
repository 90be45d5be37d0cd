"""Every error as an HTTP status and a problem (RFC 9457): one table, one shape."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from ibkr_bridge.api.contracts import contract_answer
from ibkr_bridge.api.json import encode, facts
from ibkr_bridge.api.routing import allowed
from ibkr_bridge.domain import errors

STATUS: Mapping[type[errors.BridgeError], int] = MappingProxyType(
    {
        errors.BridgeError: 500,
        errors.InvalidRequest: 422,
        errors.Unknown: 404,
        errors.UnknownContract: 404,
        errors.UnknownOrder: 404,
        errors.UnknownExchange: 404,
        errors.AmbiguousContract: 409,
        errors.Refused: 422,
        errors.GuardDenied: 422,
        errors.BrokerRefused: 422,
        errors.LineRefused: 422,
        errors.QuestionAsked: 409,
        errors.NotAsked: 409,
        errors.QuestionRefused: 422,
        errors.IdReused: 422,
        errors.ChangePending: 409,
        errors.NotHeardOf: 409,
        errors.NotUnknown: 409,
        errors.OrderFinished: 409,
        errors.OrderForeign: 422,
        errors.AccountRequired: 422,
        errors.UnknownAccount: 404,
        errors.SnapshotNotAllowed: 422,
        errors.NotSupported: 501,
        errors.JournalAway: 503,
        errors.BrokerAway: 503,
        errors.BrokerBusy: 503,
        errors.BrokerSilent: 504,
        errors.WorldMismatch: 503,
    }
)
RETRY_AFTER = {"Retry-After": "5"}
"""Seconds after which a caller may try again while the broker is away."""
PLAIN: Mapping[int, tuple[str, str]] = MappingProxyType(
    {
        404: ("route.unknown", "GET /docs lists what there is."),
        405: ("method.unknown", "GET /docs lists which methods this path takes."),
    }
)
"""(code, advice) of refusals that the framework makes by itself."""
MOST_CANDIDATES = 20
"""Of the contracts that fit, no more are told: a chain of options has thousands."""
LONGEST_NAME = 100
"""Of a field that does not exist, no more is said back."""


class Problem(Response):
    media_type = "application/problem+json"

    def render(self, content: object) -> bytes:
        return encode(content)


def problem(
    status: int, code: str, detail: str, *, title: str = "", advice: str = "", retryable: bool = False
) -> dict[str, object]:
    """The members that every problem has; `instance` and further ones are added by the caller."""
    return {
        "type": f"urn:ibkr-bridge:error:{code}",
        "title": title or HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "advice": advice,
        "retryable": retryable,
    }


def status_of(error: errors.BridgeError) -> int:
    """A way out may have kinds of its own beneath those of the tree."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def of(error: errors.BridgeError) -> dict[str, object]:
    """The problem that says what the error says."""
    members = problem(
        status_of(error),
        error.code,
        error.detail,
        title=error.title,
        advice=error.advice,
        retryable=error.retryable,
    )
    for name, value in error.facts.items():
        members.setdefault(name, facts(value))
    if isinstance(error, errors.AmbiguousContract):
        members["candidates"] = [contract_answer(contract) for contract in error.candidates[:MOST_CANDIDATES]]
        members["candidates_total"] = len(error.candidates)
    return members


def answer(members: dict[str, object], instance: str) -> Problem:
    status = members["status"]
    assert isinstance(status, int)
    headers = dict(RETRY_AFTER) if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
    if isinstance(later := members.get("retry_at"), datetime):
        headers["Retry-After"] = format_datetime(later.astimezone(UTC), usegmt=True)
    if isinstance(seconds := members.get("retry_after"), int):
        headers["Retry-After"] = str(seconds)
    return Problem({**members, "instance": instance}, status_code=status, headers=headers)


def install(app: FastAPI) -> None:
    app.add_exception_handler(errors.BridgeError, _bridge_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _unexpected)


async def _bridge_error(request: Request, error: Exception) -> Problem:
    assert isinstance(error, errors.BridgeError)
    return answer(of(error), request.url.path)


async def _validation_error(request: Request, error: Exception) -> Problem:
    assert isinstance(error, RequestValidationError)
    found = [{"field": field(item), "message": message(item)} for item in error.errors()]
    names = ", ".join(dict.fromkeys(item["field"] for item in found))
    members = problem(
        422,
        errors.InvalidRequest.code,
        "; ".join(f"{item['field']}: {item['message']}" for item in found[:5]),
        title=errors.InvalidRequest.title,
        advice=f"Correct {names} and send it again.",
    )
    return answer({**members, "errors": found}, request.url.path)


async def _http_error(request: Request, error: Exception) -> Problem:
    assert isinstance(error, HTTPException)
    code, advice = PLAIN.get(error.status_code, ("request.refused", ""))
    detail = f"{error.detail}: {request.method} {request.url.path[:200]}"
    reply = answer(problem(error.status_code, code, detail, advice=advice), request.url.path)
    reply.headers.update(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:  # the framework names those of the first route it meets
        reply.headers["Allow"] = ", ".join(allowed(request.app.routes, request.scope))
    return reply


async def _unexpected(request: Request, _error: Exception) -> Problem:
    """The stack trace goes to the log by the server, and nowhere else."""
    members = problem(
        500,
        errors.BridgeError.code,
        "The service made a mistake; the log has it.",
        title=errors.BridgeError.title,
        advice="For an order: ask GET /orders before sending it again.",
    )
    return answer(members, request.url.path)


def field(item: Mapping[str, Any]) -> str:
    """The name of what is wrong, without the place it came in: `contract.symbol`, not `body.contract.symbol`."""
    parts = [str(part) for part in item["loc"][1:] if not isinstance(part, int) or item["type"] != "json_invalid"]
    return (".".join(parts) or str(item["loc"][0]))[:LONGEST_NAME]


def message(item: Mapping[str, Any]) -> str:
    if item["type"] == "json_invalid":
        return f"The body is not JSON: {item['ctx']['error']}"
    if item["type"] == "extra_forbidden":
        return "There is no such field."
    return str(item["msg"]).removeprefix("Value error, ")
