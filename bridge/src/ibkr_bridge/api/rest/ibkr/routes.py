"""The routes of a trading bot's backend: connect, positions, orders, one order for stock or options."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Request, Response

from ibkr_bridge.api.errors import answer, of
from ibkr_bridge.api.json import JsonAnswer
from ibkr_bridge.api.openapi import answers
from ibkr_bridge.api.queries import AnyAccount
from ibkr_bridge.api.rest.account.schemas import positions_answer
from ibkr_bridge.api.rest.ibkr.bodies import OptionsBody, StockBody
from ibkr_bridge.api.rest.ibkr.schemas import (
    BOT_ORDER,
    BOT_ORDERS,
    BOT_POSITION,
    BOT_POSITIONS,
    CONNECTION,
    BotOrderAnswer,
    BotOrdersAnswer,
    BotPositionAnswer,
    BotPositionsAnswer,
    ConnectionAnswer,
    connection_answer,
)
from ibkr_bridge.api.rest.orders.schemas import order_answer
from ibkr_bridge.api.routing import ExactRoute
from ibkr_bridge.api.state import TheEngine
from ibkr_bridge.api.text import PRINTABLE
from ibkr_bridge.domain.errors import BrokerRefused
from ibkr_bridge.domain.order import Order, OrderStatus, PlaceOrder
from ibkr_bridge.engine.engine import Engine

router = APIRouter(prefix="/api/ibkr", tags=["ibkr"], route_class=ExactRoute, default_response_class=JsonAnswer)

_LIVE = frozenset(status for status in OrderStatus if not status.terminal)
_OPEN = (OrderStatus.UNKNOWN, OrderStatus.AWAITING_ANSWER)
_AWAITED: dict[int | str, dict[str, Any]] = {
    202: {
        "model": BotOrderAnswer,
        "description": "Somebody's word is still awaited: IBKR's, or yours.",
        "content": {"application/json": {"example": BOT_ORDER}},
    }
}
OrderId = Annotated[
    str,
    Path(min_length=1, max_length=64, description="The `id` of the order.", examples=["01KAJ2M8YQ6Z3V5W7X9ABCDEFG"]),
]
SymbolPath = Annotated[
    str, Path(min_length=1, max_length=32, pattern=PRINTABLE, description="As IBKR writes it.", examples=["AAPL"])
]
Stock = Annotated[
    StockBody,
    Body(
        openapi_examples={
            "market": {
                "summary": "At the market",
                "value": {"symbol": "AAPL", "side": "BUY", "qty": 1, "type": "MKT"},
            },
            "limit": {
                "summary": "At a limit",
                "value": {"symbol": "AAPL", "side": "BUY", "qty": 1, "type": "LMT", "limit": 150.5},
            },
        }
    ),
]
Options = Annotated[
    OptionsBody,
    Body(
        openapi_examples={
            "one leg": {
                "summary": "A call, by IBKR's number",
                "value": {
                    "symbol": "AAPL",
                    "legs": [{"conid": 700000001, "side": "BUY", "qty": 1}],
                    "type": "LMT",
                    "limit": 2.5,
                },
            }
        }
    ),
]


@router.post(
    "/connect",
    summary="Make sure of the connection to IBKR",
    response_model=ConnectionAnswer,
    responses=answers(CONNECTION, 503, says="The session stands."),
)
async def connect(engine: TheEngine) -> Response:
    """The service connects by itself and stays connected; this waits a moment for it, and says why not."""
    await engine.sessions.until_ready()
    return JsonAnswer(connection_answer(engine.health.view(), "Connected to IBKR."))


@router.get(
    "/status",
    summary="Is it connected?",
    response_model=ConnectionAnswer,
    responses=answers(CONNECTION, says="Always 200; `connected` tells."),
)
async def status(engine: TheEngine) -> Response:
    """As GET /health, in the words of a bot."""
    view = engine.health.view()
    message = "Connected to IBKR." if view.session.ready else view.session.reason or "Not connected to IBKR."
    return JsonAnswer(connection_answer(view, message))


@router.post(
    "/disconnect",
    summary="Say goodbye",
    response_model=ConnectionAnswer,
    responses=answers(CONNECTION, says="Nothing was ended."),
)
async def disconnect(engine: TheEngine) -> Response:
    """One session with IBKR serves every caller, so it is not ended for one of them. Stop the service to log out."""
    message = "Goodbye. The session with IBKR stays open for the other callers of this service."
    return JsonAnswer(connection_answer(engine.health.view(), message))


@router.get(
    "/positions",
    summary="Positions",
    response_model=BotPositionsAnswer,
    responses=answers(BOT_POSITIONS, 404, 422, 503, 504, says="What is held."),
)
async def positions(engine: TheEngine, account: AnyAccount = None) -> Response:
    """While IBKR is away the last known ones, with the reason in `stale`."""
    found = positions_answer(await engine.accounts.positions(account))
    return JsonAnswer(
        BotPositionsAnswer(
            success=True,
            positions=found.positions,
            count=len(found.positions),
            as_of=found.as_of,
            stale=found.stale,
        )
    )


@router.get(
    "/positions/{symbol}",
    summary="The position in one symbol",
    response_model=BotPositionAnswer,
    responses=answers(BOT_POSITION, 404, 422, 503, 504, says="The position, or null."),
)
async def position(engine: TheEngine, symbol: SymbolPath, account: AnyAccount = None) -> Response:
    """By symbol, in upper or lower case."""
    found = positions_answer(await engine.accounts.positions(account))
    held = next((row for row in found.positions if row.contract.symbol == symbol.upper()), None)
    return JsonAnswer(
        BotPositionAnswer(success=True, symbol=symbol.upper(), position=held, as_of=found.as_of, stale=found.stale)
    )


@router.get(
    "/orders",
    summary="Open orders",
    response_model=BotOrdersAnswer,
    responses=answers(BOT_ORDERS, 404, 422, says="Orders that may still fill."),
)
async def orders(engine: TheEngine, account: AnyAccount = None) -> Response:
    """Newest first; GET /orders lists those that have ended too."""
    page = await engine.orders.list(account=account, statuses=_LIVE, limit=1000)
    rows = tuple(order_answer(order) for order in page.orders)
    return JsonAnswer(
        BotOrdersAnswer(
            success=True,
            orders=rows,
            count=len(rows),
            as_of=engine.health.view().at,
            stale=engine.sessions.stale,
        )
    )


@router.get(
    "/orders/{order_id}",
    summary="One order",
    response_model=BotOrderAnswer,
    responses=answers(BOT_ORDER, 404, 422, says="The order as it stands."),
)
async def order(engine: TheEngine, order_id: OrderId) -> Response:
    """With its state, its fills and IBKR's names for it."""
    return _told(await engine.orders.get(order_id), 200)


@router.delete(
    "/order/{order_id}",
    summary="Cancel an order",
    response_model=BotOrderAnswer,
    responses={**answers(BOT_ORDER, 404, 409, 422, 503, 504, says="The order is cancelled."), **_AWAITED},
)
async def cancel(engine: TheEngine, order_id: OrderId) -> Response:
    """No guard stands in the way of a cancel."""
    cancelled = await engine.orders.cancel(order_id)
    return _told(cancelled, 200 if cancelled.status is OrderStatus.CANCELLED else 202)


@router.post(
    "/order/stock",
    summary="An order for a stock",
    status_code=201,
    response_model=BotOrderAnswer,
    responses={**answers(BOT_ORDER, 404, 409, 422, 501, 503, 504, status=201, says="As POST /orders."), **_AWAITED},
)
async def stock(request: Request, engine: TheEngine, body: Stock) -> Response:
    """Passes the same guards, the same journal and the same questions as POST /orders."""
    return await _placed(request, engine, body.command())


@router.post(
    "/order/options",
    summary="An order for options",
    status_code=201,
    response_model=BotOrderAnswer,
    responses={**answers(BOT_ORDER, 404, 409, 422, 501, 503, 504, status=201, says="As POST /orders."), **_AWAITED},
)
async def options(request: Request, engine: TheEngine, body: Options) -> Response:
    """One leg is an order; several would be a combo, which is refused (501) where the door has none."""
    return await _placed(request, engine, body.command())


async def _placed(request: Request, engine: Engine, command: PlaceOrder) -> Response:
    placement = await engine.orders.place(command)
    found = placement.order
    if found.status is OrderStatus.REJECTED:
        members = of(BrokerRefused(found.reason_code, found.reason or ""))
        return answer({**members, "success": False, "order": order_answer(found)}, request.url.path)
    return _told(found, 202 if found.status in _OPEN else 201 if placement.created else 200)


def _told(found: Order, status_code: int) -> Response:
    said = BotOrderAnswer(success=True, message=f"The order is {found.status}.", order=order_answer(found))
    return JsonAnswer(said, status_code=status_code)
