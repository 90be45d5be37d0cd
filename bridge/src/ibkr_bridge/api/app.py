"""The application: routes, and around them the door, the key and the log."""

from __future__ import annotations

from importlib.metadata import version

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from ibkr_bridge.api import errors, openapi
from ibkr_bridge.api.auth import KeyCheck
from ibkr_bridge.api.json import JsonAnswer
from ibkr_bridge.api.limits import Bodies, Doorkeeper
from ibkr_bridge.api.mirror.admin import router as session
from ibkr_bridge.api.mirror.routes import mirror
from ibkr_bridge.api.rest.account.routes import router as account
from ibkr_bridge.api.rest.admin.routes import router as admin
from ibkr_bridge.api.rest.executions.routes import router as executions
from ibkr_bridge.api.rest.health.routes import router as health
from ibkr_bridge.api.rest.ibkr.routes import router as ibkr
from ibkr_bridge.api.rest.market.bars import router as bars
from ibkr_bridge.api.rest.market.history import router as history
from ibkr_bridge.api.rest.market.research import router as research
from ibkr_bridge.api.rest.market.routes import router as market
from ibkr_bridge.api.rest.market.scanner import router as scanner
from ibkr_bridge.api.rest.news.routes import router as news
from ibkr_bridge.api.rest.orders.routes import router as orders
from ibkr_bridge.api.rest.reconciliation.routes import router as reconciliation
from ibkr_bridge.api.state import State
from ibkr_bridge.api.ws.routes import router as websockets
from ibkr_bridge.config.settings import ApiSettings
from ibkr_bridge.engine.engine import Engine
from ibkr_bridge.hub.hub import Hub
from ibkr_bridge.telemetry.requests import RequestLog

METHODS = ("GET", "POST", "PATCH", "DELETE")


def create_app(engine: Engine, hub: Hub, settings: ApiSettings) -> FastAPI:
    """The ASGI application over a running engine; `hub` must encode with `ibkr_bridge.api.ws.messages.encode`."""
    app = FastAPI(
        title=openapi.TITLE,
        version=version(openapi.TITLE),
        description=openapi.DESCRIPTION,
        default_response_class=JsonAnswer,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.bridge = State(engine, hub, settings, app.version)
    routers = (
        orders,
        market,
        history,
        bars,
        research,
        scanner,
        news,
        executions,
        account,
        reconciliation,
        health,
        admin,
        session,
        ibkr,
        websockets,
        mirror(),
    )  # looked through in this order: orders wait least
    for router in routers:
        app.router.routes.extend(router.routes)  # as they are: to include a router builds each of its routes anew
    errors.install(app)
    openapi.install(app, routers, settings)
    _surround(app, settings)
    return app


def _surround(app: FastAPI, settings: ApiSettings) -> None:
    """From the inside out: the last one added is the first to see a request."""
    app.add_middleware(Bodies, limit=settings.max_body_bytes, seconds=settings.body_timeout)
    if settings.required_api_key is not None:
        app.add_middleware(KeyCheck, key=settings.required_api_key, header=settings.api_key_header)
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.origins,
            allow_methods=METHODS,
            allow_headers=("Content-Type", "Idempotency-Key", settings.api_key_header),
            expose_headers=("Location", "Retry-After"),
            allow_private_network=True,  # a page on the web asks before it may call a private address
        )
    app.add_middleware(Doorkeeper, hosts=settings.allowed_hosts, origins=settings.origins)
    if settings.log_requests:
        app.add_middleware(RequestLog)
