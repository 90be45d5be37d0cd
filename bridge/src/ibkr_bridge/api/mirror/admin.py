"""GET /admin/session-status and POST /admin/refresh-session."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field

from ibkr_bridge.api.json import JsonAnswer
from ibkr_bridge.api.openapi import answers
from ibkr_bridge.api.routing import ExactRoute
from ibkr_bridge.api.state import TheEngine
from ibkr_bridge.engine.engine import Engine


@dataclass(frozen=True, slots=True)
class SessionStatusAnswer:
    """How the session with IBKR stands."""

    authenticated: bool
    connected: bool
    competing: bool
    state: str
    door: Annotated[str, Field(description="tws or webapi")]
    accounts: tuple[str, ...]
    since: datetime
    code: Annotated[str | None, Field(description="Why it is not ready, for programs")]
    reason: Annotated[str | None, Field(description="The same in words")]
    as_of: datetime


router = APIRouter(prefix="/admin", tags=["admin"], route_class=ExactRoute, default_response_class=JsonAnswer)
_AT = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)
STATUS = SessionStatusAnswer(
    authenticated=True,
    connected=True,
    competing=False,
    state="ready",
    door="webapi",
    accounts=("DU123456",),
    since=_AT,
    code=None,
    reason=None,
    as_of=_AT,
)


@router.get(
    "/session-status",
    summary="The session with IBKR",
    response_model=SessionStatusAnswer,
    responses=answers(STATUS, says="Always 200; `authenticated` tells."),
)
async def session_status(engine: TheEngine) -> Response:
    """Whether there is one, and if not, why."""
    return JsonAnswer(_status(engine))


@router.post(
    "/refresh-session",
    summary="A new session with IBKR",
    response_model=SessionStatusAnswer,
    responses=answers(STATUS, 503, says="The new session stands."),
)
async def refresh_session(engine: TheEngine) -> Response:
    """Ends the connection and makes a new one, for every caller. Orders stay as they are at IBKR."""
    engine.mirror.renew("A caller asked for a new session (POST /admin/refresh-session).")
    await engine.sessions.until_ready()
    return JsonAnswer(_status(engine))


def _status(engine: Engine) -> SessionStatusAnswer:
    view = engine.health.view()
    session = view.session
    return SessionStatusAnswer(
        authenticated=session.ready,
        connected=session.connected,
        competing=session.code == "session.competing" and not session.ready,
        state=session.state.value,
        door=view.door,
        accounts=session.accounts,
        since=session.since,
        code=None if session.ready else session.code,
        reason=None if session.ready else session.reason,
        as_of=view.at,
    )
