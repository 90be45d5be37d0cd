"""GET /, /health, /livez, /readyz, /ib/handshake, /capabilities."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from ibkr_bridge.api.errors import answer, problem
from ibkr_bridge.api.json import JsonAnswer
from ibkr_bridge.api.openapi import answers
from ibkr_bridge.api.rest.health.schemas import (
    AT,
    CAPABILITIES,
    HANDSHAKE,
    HEALTH,
    NAME,
    WELCOME,
    Alive,
    CapabilitiesAnswer,
    HandshakeAnswer,
    HealthAnswer,
    Ready,
    Welcome,
    health_answer,
)
from ibkr_bridge.api.routing import ExactRoute
from ibkr_bridge.api.state import TheEngine, Version

router = APIRouter(tags=["health"], route_class=ExactRoute, default_response_class=JsonAnswer)


@router.get(
    "/",
    summary="Front page",
    response_model=Welcome,
    responses=answers(WELCOME, says="The service is running."),
)
async def welcome(engine: TheEngine, version: Version) -> Response:
    """Says that the service runs, whether it is connected to IBKR, and where the documentation is."""
    view = engine.health.view()
    return JsonAnswer(Welcome(NAME, "running", view.session.connected, view.at, version, "/docs"))


@router.get(
    "/health",
    summary="Health of the service and of the way to IBKR",
    response_model=HealthAnswer,
    responses=answers(HEALTH, says="Always 200; `status` tells whether all is well."),
)
async def health(engine: TheEngine, version: Version) -> Response:
    """For people and load balancers. Stays 200 with `degraded` while IBKR is away; /readyz is the one that fails."""
    return JsonAnswer(health_answer(engine.health.view(), version))


@router.get(
    "/livez",
    summary="Is the process alive?",
    response_model=Alive,
    responses=answers(Alive("alive"), says="It is."),
)
async def livez() -> Response:
    """Needs no key and looks at nothing but itself: when this fails, restart the process."""
    return JsonAnswer(Alive("alive"))


@router.get(
    "/readyz",
    summary="Would an order be let through now?",
    response_model=Ready,
    responses=answers(Ready("ready", AT), 503, says="Yes."),
)
async def readyz(request: Request, engine: TheEngine) -> Response:
    """200 when orders can be placed, else 503 with every reason in `why_not_trading`."""
    view = engine.health.view()
    if view.trading:
        return JsonAnswer(Ready("ready", view.at))
    members = problem(
        503,
        "service.not_ready",
        " ".join(view.why_not_trading),
        title="Not ready to trade",
        advice="See why_not_trading; GET /health shows the session.",
        retryable=True,
    )
    return answer({**members, "why_not_trading": view.why_not_trading, "as_of": view.at}, request.url.path)


@router.get(
    "/ib/handshake",
    summary="Ask IBKR for a sign of life",
    response_model=HandshakeAnswer,
    responses=answers(HANDSHAKE, 503, 504, says="IBKR answered."),
)
async def handshake(engine: TheEngine) -> Response:
    """Sends one small question to IBKR and measures the answer."""
    shake = await engine.sessions.handshake()
    session = shake.session
    return JsonAnswer(
        HandshakeAnswer(
            connected=session.connected,
            latency_ms=shake.latency_ms,
            state=session.state.value,
            server_version=session.server_version,
            accounts=session.accounts,
            as_of=engine.health.view().at,
        )
    )


@router.get(
    "/capabilities",
    summary="What this door to IBKR can do",
    response_model=CapabilitiesAnswer,
    responses=answers(CAPABILITIES, says="What works, and why the rest does not."),
)
async def capabilities(engine: TheEngine) -> Response:
    """IBKR's doors differ. What one cannot do is answered 501, with the reason given here."""
    found = engine.health.capabilities()
    return JsonAnswer(
        CapabilitiesAnswer(found.door, found.client_id, tuple(sorted(found.supported)), dict(found.missing))
    )
