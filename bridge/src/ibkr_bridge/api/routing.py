"""Our routes: bodies of exact JSON, no word in a query that the route does not know, and HEAD wherever there is GET."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from fastapi import Request, Response
from fastapi.dependencies.utils import get_flat_params
from fastapi.exceptions import RequestValidationError
from fastapi.params import Query
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from ibkr_bridge.api.json import decode

ALL = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Methods that a path may take."""


class ExactRequest(Request):
    async def json(self) -> Any:
        return decode(await self.body())


class ExactRoute(APIRoute):
    """A route whose body is read by `decode`, and whose query may hold what is declared and nothing else."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()
        known = _queries(self)

        async def exactly(request: Request) -> Response:
            unknown = [name for name in request.query_params if name not in known]
            if unknown:
                raise RequestValidationError([_unknown(name, known) for name in unknown])
            return await handler(ExactRequest(request.scope, request.receive))

        return exactly

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        return super().matches(self._read(scope))

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The server leaves the body out of an answer to HEAD."""
        await super().handle(self._read(scope), receive, send)

    def _read(self, scope: Scope) -> Scope:
        """HEAD as the GET whose headers it asks for; among the methods it would be described as one more operation."""
        as_get = scope["type"] == "http" and scope["method"] == "HEAD" and "GET" in (self.methods or ())
        return {**scope, "method": "GET"} if as_get else scope


def allowed(routes: Iterable[BaseRoute], scope: Scope) -> list[str]:
    """The methods that a path takes, of whichever routes."""
    asked = tuple(routes)
    return sorted(
        method for method in ALL if any(route.matches({**scope, "method": method})[0] is Match.FULL for route in asked)
    )


def _queries(route: APIRoute) -> tuple[str, ...]:
    """By the names that callers write."""
    return tuple(field.alias for field in get_flat_params(route.dependant) if isinstance(field.field_info, Query))


def _unknown(name: str, known: tuple[str, ...]) -> dict[str, Any]:
    there_are = f"known are {', '.join(known)}" if known else "this path takes none"
    return {"type": "parameter_unknown", "loc": ("query", name), "msg": f"There is no such parameter; {there_are}."}
