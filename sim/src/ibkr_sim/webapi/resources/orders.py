"""Orders: placing, answering questions about them, changing, cancelling, previewing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ibkr_sim.exchange.model import Order, Rejected
from ibkr_sim.webapi.answers import Answer, plain_refusal, refusal
from ibkr_sim.webapi.call import Call, Route, Tier
from ibkr_sim.webapi.ordering.questions import MOST_SUPPRESSED, Question
from ibkr_sim.webapi.ordering.tickets import Ticket, parse_ticket, parse_tickets
from ibkr_sim.webapi.resources.accounts import checked
from ibkr_sim.webapi.shapes.previews import preview, unsuccessful
from ibkr_sim.webapi.spreads import combination, shown_conid

EVERY_ORDER = -1


def routes() -> list[Route]:
    account = "/iserver/account/{account}"
    return [
        Route("POST", f"{account}/orders", place, Tier.ACCOUNTS),
        Route("POST", f"{account}/orders/whatif", what_if, Tier.ACCOUNTS),
        Route("POST", f"{account}/order/{{order_id}}", modify, Tier.ACCOUNTS),
        Route("DELETE", f"{account}/order/{{order_id}}", cancel, Tier.ACCOUNTS),
        Route("POST", "/iserver/reply/{reply_id}", reply, Tier.BROKERAGE),
        Route("POST", "/iserver/notification", notification, Tier.BROKERAGE),
        Route("POST", "/iserver/questions/suppress", suppress, Tier.BROKERAGE),
        Route("POST", "/iserver/questions/suppress/reset", reset_suppression, Tier.BROKERAGE),
    ]


def place(call: Call) -> Any:
    account = checked(call)
    tickets = [_named(call, ticket) for ticket in parse_tickets(call.body, account)]
    for ticket in tickets:
        _check_account(call, ticket)
    asked = [question for ticket in tickets for question in _unanswered(call, ticket)]
    return call.house.orders.submit(call.visit, call.session.token, account, tickets, asked)


def modify(call: Call) -> Any:
    """The body is one order, not a list."""
    account = checked(call)
    order_id = _order_id(call)
    ticket = _named(call, parse_ticket(call.body, account))
    _check_account(call, ticket)
    order = call.market.order(order_id)
    if order is None or order.request.account != account:
        raise plain_refusal(400, f"OrderID {order_id} doesn't exist")
    asked = _unanswered(call, ticket)
    return call.house.orders.change(call.visit, call.session.token, account, order_id, ticket, asked)


def reply(call: Call) -> Any:
    confirmed = call.member("confirmed")
    if not isinstance(confirmed, bool):
        raise refusal(400, "Bad Request: confirmed must be true or false")
    return call.house.orders.reply(call.visit, call.session.token, call.arguments["reply_id"], confirmed=confirmed)


def cancel(call: Call) -> Any:
    """Acknowledges the request alone; -1 cancels whatever is open."""
    account, order_id = checked(call), _order_id(call)
    if order_id == EVERY_ORDER:
        for order in call.market.open_orders():
            if order.request.account == account:
                _cancel(call, order)
        return {"msg": "Request was submitted", "order_id": EVERY_ORDER, "conid": -1, "account": account}
    known = call.market.order(order_id)
    if known is None or known.request.account != account:
        raise plain_refusal(400, f"OrderID {order_id} doesn't exist")
    if known.status.done:
        raise plain_refusal(400, f"OrderID {order_id} cannot be cancelled: order is inactive")
    _cancel(call, known)
    contract = call.market.contract(known.request.conid)
    return {
        "msg": "Request was submitted",
        "order_id": order_id,
        "conid": shown_conid(contract) if contract else known.request.conid,
        "account": account,
    }


def what_if(call: Call) -> Any:
    account = checked(call)
    ticket = _named(call, parse_tickets(call.body, account)[0])
    request = ticket.request
    contract = call.market.contract(request.conid)
    if contract is None:
        raise refusal(400, "Bad Request: conid is not valid")
    held = call.market.position(account, contract.conid)
    try:
        outcome = call.market.preview(request)
    except Rejected as refused:
        return unsuccessful(refused.text)
    warnings = _unanswered(call, ticket)
    return preview(request, contract, call.market.quote(contract.conid), outcome, held, _base(call, account), warnings)


def notification(_call: Call) -> Any:
    return Answer("Request was submitted", content_type="text/plain")


def suppress(call: Call) -> Any:
    """The list replaces the one before; ids that do not exist are taken too."""
    ids = call.member("messageIds")
    if not isinstance(ids, list) or not ids or len(ids) > MOST_SUPPRESSED:
        raise plain_refusal(500, "System error")
    call.progress.suppressed = frozenset(map(str, ids))
    return {"status": "submitted"}


def reset_suppression(call: Call) -> Any:
    call.progress.suppressed = frozenset()
    return {"status": "submitted"}


def _named(call: Call, ticket: Ticket) -> Ticket:
    """With the contract that the legs of a combination make. Raises Refused."""
    if ticket.spread is None:
        return ticket
    contract = combination(call.market, ticket.spread)
    return replace(ticket, request=replace(ticket.request, conid=contract.conid))


def _cancel(call: Call, order: Order) -> None:
    try:
        call.visit.cancel(order)
    except Rejected as refused:
        raise plain_refusal(400, refused.text) from None


def _unanswered(call: Call, ticket: Ticket) -> Sequence[Question]:
    progress, conid = call.progress, ticket.request.conid
    subscribed = progress.has_line(conid)
    asked = call.house.orders.ask(ticket, subscribed=subscribed)
    return [question for question in asked if question.id not in progress.suppressed]


def _check_account(call: Call, ticket: Ticket) -> None:
    """Raises Refused for an account that is not the user's."""
    if ticket.request.account not in call.market.accounts:
        raise refusal(400, f"Bad Request: accountId is not valid: {ticket.request.account}")


def _order_id(call: Call) -> int:
    text = call.arguments["order_id"]
    if text.lstrip("-").isdecimal() and len(text) < 12:
        return int(text)
    raise refusal(400, "Bad Request: orderId is not valid")


def _base(call: Call, account: str) -> str:
    rows = call.market.account_values(account)
    return next(row.value for row in rows if row.key == "Currency")
