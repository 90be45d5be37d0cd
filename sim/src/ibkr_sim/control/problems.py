"""Refusals of the control port, as problem documents (RFC 9457) with a stable code."""

from __future__ import annotations

import json

from aiohttp import web


def problem(status: int, code: str, detail: str) -> web.Response:
    body = {"type": "about:blank", "status": status, "code": code, "detail": detail}
    return web.Response(status=status, text=json.dumps(body), content_type="application/problem+json")


class Refused(Exception):
    """A request that is answered with a problem."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
