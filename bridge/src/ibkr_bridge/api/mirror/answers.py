"""Answers in IBKR's form: `error` as its clients read it, and the members of our problems beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from starlette.responses import Response

from ibkr_bridge.api import errors as problems
from ibkr_bridge.api.json import encode
from ibkr_bridge.domain import errors

JSON: Final = "application/json"
_STATUS: Final[Mapping[type[errors.BridgeError], int]] = {
    errors.UnknownContract: 400,
    errors.AmbiguousContract: 400,
    errors.InvalidRequest: 400,
    errors.Refused: 400,
}
"""Where IBKR's status differs from that of our own routes (Web API v1.0: it knows neither 409 nor 422)."""


@dataclass(frozen=True, slots=True)
class Reply:
    """`content` is a JSON value, or bytes that are one already."""

    content: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = JSON

    def response(self) -> Response:
        body = self.content if isinstance(self.content, bytes) else encode(self.content)
        return Response(body, self.status, dict(self.headers), self.content_type)


class Refusal(Exception):
    """A refusal with IBKR's own status and text; `code` is one of ours."""

    def __init__(self, status: int, text: str, *, code: str = errors.InvalidRequest.code, advice: str = "") -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.code = code
        self.advice = advice


def of_refusal(refusal: Refusal, path: str) -> Reply:
    members = problems.problem(refusal.status, refusal.code, refusal.text, advice=refusal.advice)
    return _told(refusal.status, refusal.text, members, path)


def of_error(error: errors.BridgeError, path: str) -> Reply:
    status = next((_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS), problems.status_of(error))
    return _told(status, error.detail, {**problems.of(error), "status": status}, path)


def of_ibkr(status: int, body: Any, text: str, path: str) -> Reply:
    """An error of IBKR's: status and `error` as they came. `body` is what it said, `text` the words of it."""
    said = text or HTTPStatus(status).phrase
    code = errors.BrokerRefused.code
    members = problems.problem(status, code, said, title=errors.BrokerRefused.title, retryable=status >= 503)
    own = body if isinstance(body, dict) else {"error": said, "statusCode": status}
    return Reply({**members, "instance": path, **own}, status)


def _told(status: int, text: str, members: dict[str, object], path: str) -> Reply:
    headers = dict(problems.RETRY_AFTER) if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
    return Reply({"error": text, "statusCode": status, **members, "instance": path}, status, headers)
