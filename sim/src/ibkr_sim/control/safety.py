"""Keeps web pages out: a page in the trader's browser can reach loopback, but must get nothing done there."""

from __future__ import annotations

import re
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from ibkr_sim.control.problems import Refused, problem

_LOOPBACK: Final = re.compile(r"(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?", re.IGNORECASE)
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Check the request, then turn every refusal into a problem document."""
    try:
        check(request)
        response = await handler(request)
    except Refused as refused:
        response = problem(refused.status, refused.code, refused.detail)
    except web.HTTPNotFound:
        response = problem(404, "not_found", "There is nothing at this path.")
    except web.HTTPMethodNotAllowed:
        response = problem(405, "method_not_allowed", "This path knows no such method.")
    except web.HTTPRequestEntityTooLarge:
        response = problem(413, "too_large", "The body is larger than any request needs.")
    response.headers.update(_HEADERS)
    return response


def check(request: web.Request) -> None:
    """Raises Refused for what a page in a browser would send."""
    # A page that has rebound its own name to 127.0.0.1 still names itself here.
    if not _LOOPBACK.fullmatch(request.headers.get("Host", "")):
        raise Refused(403, "host_refused", "Name 127.0.0.1, localhost or [::1] as the host.")
    if "Origin" in request.headers:
        raise Refused(403, "origin_refused", "Requests from web pages are refused.")
    # A form can post without asking first, but not as JSON.
    if request.method not in {"GET", "HEAD"} and request.content_type != "application/json":
        raise Refused(415, "json_required", "Send the body as application/json.")
