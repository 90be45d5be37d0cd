"""The API's description: our problem shape for every refusal, and examples that are real answers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field

from ibkr_bridge.api.errors import problem
from ibkr_bridge.api.json import encode
from ibkr_bridge.config.settings import ApiSettings

TITLE = "ibkr-bridge"
DESCRIPTION = """\
One REST and WebSocket API into Interactive Brokers. Not a product of Interactive Brokers.

* Decimals in answers are JSON numbers, written exactly; requests take numbers or strings.
* Times are RFC 3339 in UTC. `as_of` says how old an answer is, `stale` why it may be out of date (null: it is not).
* A word that is not known is refused, in a query as in a body. Names of contracts may be in upper or lower case.
* What the broker has not said is `null`, never 0.
* Every refusal is a problem (RFC 9457) with a stable `code`, an `advice`, and `retryable`.
* Only what is sent again with the same `client_order_id` is certain not to become a second order.

**WebSockets.** `/ws/stream` delivers quotes: send `{"action": "subscribe", "symbol": "AAPL"}`.
`/ws/ib` delivers `orderStatus`, `execDetails`, `commissionReport`, `pnlUpdate` and `connectionChanged`;
`{"type": "ping"}` is answered with `pong`.
"""
OPEN = "/livez"

_SAMPLES: Mapping[int, tuple[str, str]] = MappingProxyType(
    {
        400: ("host.refused", "A request needs exactly one Host header."),
        401: ("key.missing", "This service needs an API key."),
        403: ("origin.refused", "Pages of http://other.example may not call this service."),
        404: ("contract.unknown", "IBKR knows no contract XYZ STK SMART USD."),
        406: ("format.unknown", "There are no bars as image/png."),
        408: ("body.slow", "The body did not arrive within 10 s."),
        409: ("order.finished", "Order 01KAJ2M8YQ6Z3V5W7X9ABCDEFG is filled."),
        413: ("body.too_large", "A body may have 65536 bytes."),
        415: ("body.not_json", "The body must be JSON and say so."),
        421: ("host.refused", "This service does not answer to the name other.example."),
        422: ("request.invalid", "limit: A LIMIT order needs `limit`."),
        500: ("bridge.error", "The service made a mistake; the log has it."),
        501: ("capability.missing", "This door cannot preview orders."),
        503: ("broker.away", "No session with IBKR."),
        504: ("broker.silent", "IBKR did not answer the quote of AAPL within 5 s."),
    }
)
_EVERYWHERE = (400, 403, 421, 500)
_WITH_BODY = (408, 413, 415)


class ProblemModel(BaseModel):
    """Why a request was refused (RFC 9457), and what to do next. Some problems have further members."""

    model_config = ConfigDict(title="Problem", extra="allow")

    type: str = Field(description="urn:ibkr-bridge:error: and the code")
    title: str
    status: int
    detail: str = Field(description="What went wrong this time, in words")
    code: str = Field(description="Stable name of the error")
    advice: str = Field(description="What to do next")
    retryable: bool = Field(description="Whether the same request may succeed later unchanged")
    instance: str = Field(description="The path of the request")


def answers(example: object, *refusals: int, status: int = 200, says: str) -> dict[int | str, dict[str, Any]]:
    """What an operation answers, for its `responses`: one example of the real thing, and the refusals by status."""
    good = {"description": says, "content": {"application/json": {"example": example}}}
    return {status: good, **{refusal: {"description": HTTPStatus(refusal).phrase} for refusal in refusals}}


def install(app: FastAPI, routers: Sequence[APIRouter], settings: ApiSettings) -> None:
    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = describe(app, routers, settings)
        return app.openapi_schema

    setattr(app, "openapi", described)  # noqa: B010  the framework's own way; mypy forbids assigning to a method


def describe(app: FastAPI, routers: Sequence[APIRouter], settings: ApiSettings) -> dict[str, Any]:
    schema = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    for route in (route for router in routers for route in router.routes):
        if isinstance(route, APIRoute):
            for method in route.methods or ():
                _finish(
                    schema["paths"][route.path_format][method.lower()], route, keyed=bool(settings.required_api_key)
                )
    components = schema.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for generated in ("HTTPValidationError", "ValidationError"):
        schemas.pop(generated, None)
    schemas["Problem"] = ProblemModel.model_json_schema()
    if settings.required_api_key:
        components["securitySchemes"] = {"key": {"type": "apiKey", "in": "header", "name": settings.api_key_header}}
        schema["security"] = [{"key": []}]
    return schema


def _finish(operation: dict[str, Any], route: APIRoute, *, keyed: bool) -> None:
    responses = operation["responses"]
    extra = (*_EVERYWHERE, *(_WITH_BODY if "requestBody" in operation else ()))
    if keyed and route.path != OPEN:
        extra = (*extra, 401)
    elif route.path == OPEN:
        operation["security"] = []
    for status in extra:
        responses.setdefault(str(status), {"description": HTTPStatus(status).phrase})
    for status, response in responses.items():
        if int(status) >= 400:
            response["content"] = {"application/problem+json": _problem(int(status), route.path)}
    for given, response in route.responses.items():
        example = response.get("content", {}).get("application/json", {}).get("example")
        if example is not None:  # the framework's own encoder drops nulls and bends decimals
            responses[str(given)]["content"]["application/json"]["example"] = json.loads(encode(example))
    operation["responses"] = dict(sorted(responses.items()))


def _problem(status: int, path: str) -> dict[str, Any]:
    code, detail = _SAMPLES[status]
    example = {**problem(status, code, detail, advice="What to do next.", retryable=status >= 503), "instance": path}
    return {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}
