"""Orders of IBKR's paths: through the engine with its guards and journal, like POST /orders; there is no way around."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from ibkr_bridge.api.mirror.answers import Refusal
from ibkr_bridge.api.mirror.call import Call
from ibkr_bridge.api.mirror.callers import Asked
from ibkr_bridge.api.mirror.entry import Entry, answered, refused
from ibkr_bridge.api.mirror.shapes import orders as rows
from ibkr_bridge.api.mirror.tickets import Ticket, read_ticket, read_tickets
from ibkr_bridge.domain.contract import Contract, ContractQuery
from ibkr_bridge.domain.errors import (
    BridgeError,
    BrokerRefused,
    IdReused,
    NotAsked,
    QuestionAsked,
    Unknown,
    UnknownOrder,
)
from ibkr_bridge.domain.order import Order, OrderStatus
from ibkr_bridge.domain.questions import Question
from ibkr_bridge.domain.terms import ChangeOrder

_LONGEST: Final = 10
"""Questions about one order that are answered by what a caller has suppressed."""
_PATIENCE: Final = timedelta(seconds=60)
"""How long a question about a change waits for its answer."""
_EVERY_ORDER: Final = "-1"


def entries() -> list[Entry]:
    account = "/iserver/account/{account}"
    like = "As POST /orders: the same guards, journal and questions; cOID is the client order id."
    return [
        answered("POST", f"{account}/orders", place, f"{like} Also one order bare."),
        answered("POST", f"{account}/orders/whatif", what_if, "As POST /orders/preview."),
        answered("POST", f"{account}/order/{{order}}", modify, "As PATCH /orders/{id}."),
        answered("DELETE", f"{account}/order/{{order}}", cancel, "As DELETE /orders/{id}; -1 cancels all of ours."),
        answered("POST", "/iserver/reply/{reply}", reply, "To a question put to this caller, once."),
        refused("POST", "/iserver/notification", "Questions in this form are declined by the service itself."),
        refused("POST", "/iserver/account/orders/{group}", "Orders for a group of accounts would pass the guards by."),
        refused("POST", "/iserver/account/{account}/order", "An old path. Place orders on .../orders."),
        *(
            refused("POST", f"/fa/{path}", "Moves money between model portfolios, which no guard can judge.")
            for path in ("model/invest-divest", "model/submit-transfers", "model/save", "fa-preset/save")
        ),
    ]


async def place(call: Call) -> Any:
    """One order's refusal is the answer; of several, each has a row of its own."""
    tickets = read_tickets(call.body, call.account)
    if len(tickets) == 1:
        return await _placed(call, tickets[0])
    if all(ticket.grouped for ticket in tickets):
        return await _placed_together(call, tickets)
    told: list[Any] = []
    for ticket in tickets:
        try:
            told += await _placed(call, ticket)
        except BridgeError as problem:
            told.append(rows.failed(problem.detail, problem.code))
        except Refusal as refusal:
            told.append(rows.failed(refusal.text, refusal.code))
    return told


async def what_if(call: Call) -> Any:
    [ticket, *_more] = read_tickets(call.body, call.account)
    try:
        contract, reckoned = await call.engine.orders.preview(ticket.command)
    except BrokerRefused as refused_:
        return rows.no_preview(refused_.detail)
    held = call.engine.accounts.held(call.account, contract.conid)
    return rows.preview(contract, ticket.command.terms, reckoned, held)


async def modify(call: Call) -> Any:
    """The body is the whole order with its new values; contract, side and type stay as they are."""
    order = await _named(call)
    ticket = read_ticket(call.body, order.account)
    terms = ticket.command.terms
    same = (terms.side, terms.type) == (order.terms.side, order.terms.type)
    if not same or not _means(ticket.command.contract, order.contract):
        raise Refusal(400, "Bad Request: contract, side and type of an order cannot be changed")
    named = {name: getattr(terms, name) for name in terms.type.shape.repeated if name not in ("side", "type")}
    return await _changed(call, order.id, ChangeOrder(**named))


def _means(query: ContractQuery, contract: Contract) -> bool:
    if not query.legs:
        return query.conid == contract.conid and not contract.legs
    named = [(leg.contract.conid, leg.side, leg.ratio) for leg in query.legs]
    return named == [(leg.contract.conid, leg.side, leg.ratio) for leg in contract.legs]


async def cancel(call: Call) -> Any:
    account = call.account
    if call.arguments["order"] == _EVERY_ORDER:
        await _cancel_all(call, account)
        return {"msg": "Request was submitted", "order_id": -1, "conid": -1, "account": account}
    order = await _named(call)
    await call.engine.orders.cancel(order.id)
    return {
        "msg": "Request was submitted",
        "order_id": rows.number(order),
        "conid": order.contract.conid,
        "account": account,
    }


async def reply(call: Call) -> Any:
    name, confirmed = call.arguments["reply"], call.member("confirmed")
    asked = call.caller.asked.get(name)
    if asked is None or (asked.change is not None and call.now - asked.at > _PATIENCE):
        raise _no_such_reply(name)
    if not isinstance(confirmed, bool):
        raise Refusal(400, "Bad Request: confirmed must be true or false")
    told = await _answered(call, asked, confirmed=confirmed)
    call.caller.asked.pop(name, None)
    return told


async def _answered(call: Call, asked: Asked, *, confirmed: bool) -> Any:
    if not confirmed:
        if asked.change is None:
            with suppress(NotAsked):  # it has run out meanwhile, which is a no as well
                await call.engine.orders.answer(asked.order_id, confirm=False)
        return {"error": "Order not confirmed"}
    if asked.change is not None:
        return await _changed(call, asked.order_id, asked.change)
    try:
        order = await call.engine.orders.answer(asked.order_id, confirm=True)
    except NotAsked:
        raise _no_such_reply(call.arguments["reply"]) from None
    return await _told(call, await _settled(call, order))


async def _placed(call: Call, ticket: Ticket) -> list[dict[str, Any]]:
    try:
        placement = await call.engine.orders.place(ticket.command)
    except IdReused as reused:
        text = f"Order couldn't be submitted: Local order ID={ticket.command.client_order_id} is already registered."
        raise Refusal(400, text, code=reused.code, advice=reused.advice) from None
    return await _told(call, await _settled(call, placement.order))


async def _placed_together(call: Call, tickets: list[Ticket]) -> list[dict[str, Any]]:
    """One cancels all (Web API v1.0, "OCA Orders")."""
    placements = await call.engine.orders.place_group([ticket.command for ticket in tickets])
    orders = [placement.order for placement in placements]
    asking = next((order for order in orders if order.status is OrderStatus.AWAITING_ANSWER), None)
    if asking is not None:
        return await _told(call, await _settled(call, asking))
    return [_row(order) for order in orders]


def _row(order: Order) -> dict[str, Any]:
    if order.status is OrderStatus.REJECTED:
        return rows.failed(order.reason or "", BrokerRefused.code)
    return rows.placed(order)


async def _settled(call: Call, order: Order) -> Order:
    """Past every question that this caller has suppressed."""
    for _question in range(_LONGEST):
        if order.status is not OrderStatus.AWAITING_ANSWER or not _suppressed(call, order.questions):
            return order
        order = await call.engine.orders.answer(order.id, confirm=True)
    return order


async def _told(call: Call, order: Order) -> list[dict[str, Any]]:
    if order.status is OrderStatus.REJECTED:
        raise BrokerRefused(order.reason_code, order.reason or "")
    if order.status is OrderStatus.AWAITING_ANSWER:
        return _ask(call, Asked(order.id, call.now), order.questions)
    children = await call.engine.orders.children(order)
    mates = call.engine.orders.mates(order)
    return [*(rows.child(child, order) for child in children), rows.placed(order), *(_row(mate) for mate in mates)]


async def _changed(call: Call, order_id: str, change: ChangeOrder) -> list[dict[str, Any]]:
    for _question in range(_LONGEST):
        try:
            return [rows.placed(await call.engine.orders.change(order_id, change))]
        except QuestionAsked as asked:
            names = frozenset(name for question in asked.questions for name in question.ids)
            change = replace(change, confirmed=change.confirmed | names)
            if not _suppressed(call, asked.questions):
                return _ask(call, Asked(order_id, call.now, change), asked.questions)
    raise BrokerRefused(None, "IBKR asks one question after the other; the change was given up.")


def _ask(call: Call, asked: Asked, questions: tuple[Question, ...]) -> list[dict[str, Any]]:
    name = call.name()
    call.caller.ask(name, asked)
    return rows.question(name, questions)


def _suppressed(call: Call, questions: tuple[Question, ...]) -> bool:
    """A question without an id can be confirmed by nobody beforehand."""
    return all(question.ids and call.caller.suppressed >= set(question.ids) for question in questions)


async def _named(call: Call) -> Order:
    """The order in the path, which must belong to the account in the path."""
    account, name = call.account, call.arguments["order"]
    with suppress(Unknown):
        order = await call.engine.mirror.order(name)
        if order.account == account:
            return order
    raise Refusal(400, f"OrderID {name[:64]} doesn't exist", code=UnknownOrder.code)


async def _cancel_all(call: Call, account: str) -> None:
    """Of ours; orders placed elsewhere are not touched."""
    found = [order for order in call.engine.mirror.live() if order.account == account]
    outcomes = await asyncio.gather(*(call.engine.orders.cancel(order.id) for order in found), return_exceptions=True)
    problem = next((outcome for outcome in outcomes if isinstance(outcome, BaseException)), None)
    if problem is not None:
        raise problem


def _no_such_reply(name: str) -> Refusal:
    return Refusal(404, f"reply id not found: '{name[:64]}'", code=NotAsked.code)
