"""POST, GET, PATCH and DELETE /orders, POST /orders/preview."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Header, Path, Query, Request, Response

from ibkr_bridge.api.errors import answer, of
from ibkr_bridge.api.json import JsonAnswer
from ibkr_bridge.api.openapi import answers
from ibkr_bridge.api.rest.orders.bodies import (
    CLIENT_ORDER_ID,
    AnswerBody,
    ChangeBody,
    GroupBody,
    OrderBody,
    ResolutionBody,
)
from ibkr_bridge.api.rest.orders.schemas import (
    GROUP,
    ORDER,
    ORDER_NOW,
    ORDERS,
    PREVIEW,
    GroupAnswer,
    OrderAnswer,
    OrderNow,
    OrdersAnswer,
    PreviewAnswer,
    order_answer,
    order_now,
    preview_answer,
)
from ibkr_bridge.api.routing import ExactRoute
from ibkr_bridge.api.state import TheEngine
from ibkr_bridge.api.text import ACCOUNT, PRINTABLE
from ibkr_bridge.domain.errors import BrokerRefused
from ibkr_bridge.domain.order import Order, OrderStatus
from ibkr_bridge.engine.orders.commands import Placement
from ibkr_bridge.ports.journal import no_cursor

router = APIRouter(prefix="/orders", tags=["orders"], route_class=ExactRoute, default_response_class=JsonAnswer)

_SEED = {"symbol": "AAPL", "side": "BUY", "qty": 100, "type": "LIMIT", "limit": 150.50, "tif": "DAY"}
_EXAMPLES: dict[str, Any] = {
    "limit": {"summary": "A limit order", "value": _SEED},
    "repeatable": {
        "summary": "The same, safe to send again",
        "value": {**_SEED, "client_order_id": "my-order-1", "account": "DU123456"},
    },
    "bracket": {
        "summary": "With both exits: all three are placed, or none",
        "value": {**_SEED, "take_profit": {"limit": 160}, "stop_loss": {"stop": 145}},
    },
    "stop limit by conid": {
        "summary": "By IBKR's number and IBKR's name of the type",
        "value": {
            "contract": {"conid": 265598},
            "side": "SELL",
            "qty": "10",
            "type": "STP LMT",
            "stop": "140.00",
            "limit": "139.50",
            "tif": "GTC",
        },
    },
}
NewOrder = Annotated[OrderBody, Body(openapi_examples=_EXAMPLES)]
NewGroup = Annotated[
    GroupBody,
    Body(
        openapi_examples={
            "either": {
                "summary": "The first that fills",
                "value": {"orders": [_SEED, {**_SEED, "symbol": "MSFT", "limit": 400}]},
            }
        }
    ),
]
Change = Annotated[
    ChangeBody, Body(openapi_examples={"limit": {"summary": "Another limit", "value": {"limit": 151.25}}})
]
Verdict = Annotated[
    ResolutionBody,
    Body(
        openapi_examples={
            "never arrived": {
                "summary": "It is not in TWS",
                "value": {"status": "never_arrived", "note": "not in TWS, no fill today"},
            }
        }
    ),
]
Reply = Annotated[AnswerBody, Body(openapi_examples={"yes": {"summary": "Place it", "value": {"confirm": True}}})]
OrderId = Annotated[
    str,
    Path(min_length=1, max_length=64, description="The `id` of the order.", examples=["01KAJ2M8YQ6Z3V5W7X9ABCDEFG"]),
]
IdempotencyKey = Annotated[
    str | None, Header(pattern=CLIENT_ORDER_ID, description="The same thing as `client_order_id` in the body.")
]


_OPEN = (OrderStatus.UNKNOWN, OrderStatus.AWAITING_ANSWER)
"""Somebody's word is still awaited: IBKR's, or the caller's."""


def _described(says: str, model: type = OrderAnswer, example: object = ORDER) -> dict[str, Any]:
    return {"model": model, "description": says, "content": {"application/json": {"example": example}}}


def _code(*placements: Placement) -> int:
    if any(placed.order.status in _OPEN for placed in placements):
        return 202
    return 201 if any(placed.created for placed in placements) else 200


@router.post(
    "",
    summary="Place an order",
    status_code=201,
    response_model=OrderAnswer,
    responses={
        **answers(ORDER, 404, 409, 422, 501, 503, 504, status=201, says="A new order, in the state IBKR reported."),
        200: _described("The same client_order_id again: its order as it stands."),
        202: _described(
            "IBKR's word is still awaited: the order is `unknown`. Do not send it again; ask for it."
            " Or yours is: it is `awaiting_answer`, and `questions` says what IBKR asks."
        ),
    },
)
async def place(
    request: Request, engine: TheEngine, body: NewOrder, idempotency_key: IdempotencyKey = None
) -> Response:
    """Waits a few seconds for IBKR's first word. 422 `guard.*` was refused here, 422 `broker.refused` by IBKR.

    With a `client_order_id` the request can be repeated at will: there will be one order.
    """
    placement = await engine.orders.place(body.command(idempotency_key))
    order = placement.order
    if order.status is OrderStatus.REJECTED:
        return _rejected(request, order)
    return JsonAnswer(order_answer(order), status_code=_code(placement), headers={"Location": f"/orders/{order.id}"})


@router.post(
    "/oca",
    summary="Place a group: one cancels all",
    status_code=201,
    response_model=GroupAnswer,
    responses={
        **answers(GROUP, 404, 409, 422, 501, 503, 504, status=201, says="The orders, in the state IBKR reported."),
        200: _described("The same group again: its orders as they stand.", GroupAnswer, GROUP),
        202: _described("IBKR's word on one of them is still awaited, or yours is.", GroupAnswer, GROUP),
    },
)
async def place_group(engine: TheEngine, body: NewGroup) -> Response:
    """All go to IBKR at once, and IBKR has a word on each: read every `status`. A denial by a guard sends none.

    With a `client_order_id` on any of them the request can be repeated at will: there will be one group.
    """
    commands = [order.command() for order in body.orders]
    placements = await engine.orders.place_group(commands, body.type)
    told = GroupAnswer(tuple(order_answer(placed.order) for placed in placements))
    return JsonAnswer(told, status_code=_code(*placements))


def _rejected(request: Request, order: Order) -> Response:
    members = of(BrokerRefused(order.reason_code, order.reason or ""))
    return answer({**members, "order": order_answer(order)}, request.url.path)


@router.get(
    "",
    summary="Orders, newest first",
    response_model=OrdersAnswer,
    responses=answers(ORDERS, 404, 422, says="One page of orders."),
)
async def orders(
    engine: TheEngine,
    status: Annotated[list[OrderStatus] | None, Query(description="Only these; may be repeated.")] = None,
    account: Annotated[str | None, Query(max_length=32, pattern=ACCOUNT, description="Only of this account.")] = None,
    cursor: Annotated[
        str | None, Query(max_length=128, pattern=PRINTABLE, description="`next_cursor` of the page before.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="Orders per page.")] = 100,
    *,
    foreign: Annotated[bool, Query(description="Instead, the live orders that were placed elsewhere.")] = False,
) -> Response:
    """Every order of this service, those that have ended included; or the live ones placed elsewhere."""
    if foreign:
        if cursor is not None:
            raise no_cursor("orders placed elsewhere")
        strangers = tuple(order_answer(order) for order in engine.orders.foreign(account))
        return JsonAnswer(OrdersAnswer(strangers, None, engine.health.view().at, engine.sessions.stale))
    page = await engine.orders.list(
        account=account, statuses=frozenset(status) if status else None, cursor=cursor, limit=limit
    )
    found = tuple(order_answer(order) for order in page.orders)
    now = engine.health.view().at
    return JsonAnswer(OrdersAnswer(found, page.next_cursor, now, engine.sessions.stale))


@router.post(
    "/preview",
    summary="What would an order cost?",
    response_model=PreviewAnswer,
    responses=answers(PREVIEW, 404, 409, 422, 501, 503, 504, says="IBKR's reckoning of margin and commission."),
)
async def preview(engine: TheEngine, body: NewOrder) -> Response:
    """Asks IBKR what the order would bind and cost. Nothing is placed, and `client_order_id` stays free."""
    contract, reckoned = await engine.orders.preview(body.command())
    return JsonAnswer(preview_answer(contract, reckoned, engine.health.view().at))


@router.get(
    "/{order_id}",
    summary="One order",
    response_model=OrderNow,
    responses=answers(ORDER_NOW, 404, 422, says="The order as it stands."),
)
async def order(engine: TheEngine, order_id: OrderId) -> Response:
    """The order with its state, its fills and IBKR's names for it."""
    found = await engine.orders.get(order_id)
    return JsonAnswer(order_now(found, engine.health.view().at, engine.sessions.stale))


@router.patch(
    "/{order_id}",
    summary="Change a working order",
    response_model=OrderAnswer,
    responses={
        **answers(ORDER, 404, 409, 422, 501, 503, 504, says="The order with IBKR's new terms."),
        202: _described("IBKR's word on the change is still awaited: the order is `unknown`."),
    },
)
async def change(engine: TheEngine, order_id: OrderId, body: Change) -> Response:
    """The order keeps its id. What is not named stays as it is."""
    changed = await engine.orders.change(order_id, body.command())
    return JsonAnswer(order_answer(changed), status_code=202 if changed.status is OrderStatus.UNKNOWN else 200)


@router.delete(
    "/{order_id}",
    summary="Cancel an order",
    status_code=202,
    response_model=OrderAnswer,
    responses={
        **answers(
            ORDER, 404, 409, 422, 503, 504, status=202, says="The cancel is on its way; a fill may still cross it."
        ),
        200: _described("The order is cancelled."),
    },
)
async def cancel(engine: TheEngine, order_id: OrderId) -> Response:
    """Asks IBKR to cancel. No guard stands in the way of a cancel."""
    cancelled = await engine.orders.cancel(order_id)
    code = 200 if cancelled.status is OrderStatus.CANCELLED else 202
    return JsonAnswer(order_answer(cancelled), status_code=code)


@router.post(
    "/{order_id}/answer",
    summary="Answer IBKR's questions about an order",
    response_model=OrderAnswer,
    responses={
        **answers(ORDER, 404, 409, 422, 503, says="The order as it stands after your answer."),
        202: _described("IBKR asks something else, or its word on the order is still awaited."),
    },
)
async def reply(request: Request, engine: TheEngine, order_id: OrderId, body: Reply) -> Response:
    """For an order in `awaiting_answer`. On a yes it passes the guards again and is placed with these confirmed."""
    order = await engine.orders.answer(order_id, confirm=body.confirm)
    if order.status is OrderStatus.REJECTED:
        return _rejected(request, order)
    return JsonAnswer(order_answer(order), status_code=202 if order.status in _OPEN else 200)


@router.post(
    "/{order_id}/resolve",
    summary="Decide what became of an unknown order",
    response_model=OrderAnswer,
    responses=answers(ORDER, 404, 409, 422, says="The order with your verdict."),
)
async def resolve(engine: TheEngine, order_id: OrderId, body: Verdict) -> Response:
    """For a person who has looked in TWS. If IBKR ever speaks of the order after all, IBKR is believed."""
    return JsonAnswer(order_answer(await engine.orders.resolve(order_id, body.resolution())))
