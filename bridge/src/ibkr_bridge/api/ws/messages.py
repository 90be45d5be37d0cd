"""What is said on the WebSockets, as bytes: `encode` is what the hub calls once per published message."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import singledispatch
from typing import Any

from ibkr_bridge.api.columns.rows import members
from ibkr_bridge.api.contracts import contract_answer
from ibkr_bridge.api.json import amount, money, number
from ibkr_bridge.api.json import encode as to_json
from ibkr_bridge.api.rest.account.schemas import pnl_answer
from ibkr_bridge.api.rest.market.research_schemas import depth_answer
from ibkr_bridge.api.rest.market.schemas import quote_answer
from ibkr_bridge.api.rest.orders.schemas import OrderAnswer, order_answer
from ibkr_bridge.api.rest.reconciliation.schemas import reconciliation_answer
from ibkr_bridge.domain.account import Pnl, Seen
from ibkr_bridge.domain.bars import Bar
from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.domain.events import ChangeRefused, Commissioned, Executed, Forked, OrderUpdate, Warned
from ibkr_bridge.domain.order import BrokerIds, BrokerOrder, Order
from ibkr_bridge.domain.quote import Quote
from ibkr_bridge.domain.session import Session
from ibkr_bridge.engine.reconciliation import Reconciled
from ibkr_bridge.engine.research.books import MOST_ROWS, BookTick
from ibkr_bridge.engine.topics import BarTick, QuoteTick
from ibkr_bridge.hub.encoded import Encoded
from ibkr_bridge.ports.research import Book

LIVE = "live"
STALE = "stale"


def condition(stale: str | None) -> str:
    return STALE if stale else LIVE


def encode(_topic: str, message: object) -> Encoded:
    """Raises TypeError for a message that has no form here."""
    return _encode(message)


@singledispatch
def _encode(message: object) -> Encoded:
    raise TypeError(f"{type(message).__name__} has no form on a WebSocket")


@_encode.register
def _(message: QuoteTick) -> Encoded:
    """A stale tick is a change of condition and no new price; nor is one without any price worth a message."""
    contract, value = message.contract, message.quote
    frames = () if message.stale or not value.priced else (quote(contract, value, value.updated_at, None),)
    return Encoded(frames, condition(message.stale), status(contract, message.stale, value.updated_at))


@_encode.register
def _(message: BarTick) -> Encoded:
    frames = () if message.bar is None else (bar(message, message.bar),)
    return Encoded(frames, condition(message.stale), status(message.contract, message.stale, message.last, "bars"))


@_encode.register
def depth(message: BookTick) -> Encoded:
    """A stale book is a change of condition; its levels may be gone."""
    contract, book = message.contract, message.book
    frames = () if message.stale or book.at is None else (_book(contract, book),)
    return Encoded(frames, condition(message.stale), status(contract, message.stale, book.at, "depth"))


@_encode.register
def _(message: OrderUpdate) -> Encoded:
    return Encoded(tuple(event(name, data, message.seq) for name, data in _told(message)))


@_encode.register
def _(message: Session) -> Encoded:
    return Encoded((connection_changed(message),))


@_encode.register
def _(message: Reconciled) -> Encoded:
    return Encoded((event("reconciliation", reconciliation_answer(message)),))


@_encode.register(Seen)
def _(message: Seen[Pnl]) -> Encoded:
    return Encoded((event("pnlUpdate", pnl_answer(message)),))


def quote(contract: Contract, value: Quote, as_of: datetime | None, stale: str | None) -> bytes:
    answer = quote_answer(contract, value, as_of, stale)
    return to_json({"type": "quote", **{name: getattr(answer, name) for name in answer.__slots__}})


def bar(tick: BarTick, value: Bar) -> bytes:
    """Five seconds of a contract that have ended."""
    contract = tick.contract
    return to_json(
        {
            "type": "bar",
            "symbol": contract.symbol,
            "currency": contract.currency,
            "conid": contract.conid,
            "bar": "5s",
            "what": tick.what,
            **members(value),
            "source": tick.source,
        }
    )


def _book(contract: Contract, book: Book) -> bytes:
    answer = depth_answer(contract, book, MOST_ROWS, book.at, None)
    return to_json({"type": "depth", **{name: getattr(answer, name) for name in answer.__slots__}})


def status(contract: Contract, stale: str | None, as_of: datetime | None, channel: str | None = None) -> bytes:
    """The line of a contract was lost or came back; `as_of` is the time of its last value."""
    return to_json(
        {
            "type": "status",
            **({} if channel is None else {"channel": channel}),
            "status": condition(stale),
            "reason": stale,
            "symbol": contract.symbol,
            "currency": contract.currency,
            "conid": contract.conid,
            "as_of": as_of,
        }
    )


def event(name: str, data: object, seq: int | None = None) -> bytes:
    """An event of /ws/ib; what was told by one entry of the journal shares its `seq`."""
    place = {} if seq is None else {"seq": seq}
    return to_json({"event": name, "data": data, **place})


def connection_changed(session: Session) -> bytes:
    return event(
        "connectionChanged",
        {
            "connected": session.connected,
            "authenticated": session.ready,
            "state": session.state,
            "since": session.since,
            "accounts": session.accounts,
            "code": session.code,
            "reason": session.reason,
            "server_version": session.server_version,
            "attempt": session.attempt,
        },
    )


def _told(update: OrderUpdate) -> tuple[tuple[str, dict[str, Any]], ...]:
    """One entry of the journal as events: what happened, and the order as it then stood."""
    standing = ("orderStatus", _order_status(update.order))
    match update.event:
        case Executed():
            return ("execDetails", _execution(update.event, update.order)), standing
        case Commissioned():
            return ("commissionReport", _commission(update.event, update.order)), standing
        case Warned(code=code, text=text):
            return (("orderMessage", {"order_id": update.order.id, "code": code, "text": text}),)
        case Forked(text=text):
            return ("orderMessage", {"order_id": update.order.id, "code": None, "text": text}), standing
        case ChangeRefused(reason=reason):
            return (("orderMessage", {"order_id": update.order.id, "code": None, "text": reason}),)
        case _:
            return (standing,)


def _order_status(order: Order) -> dict[str, Any]:
    answer = order_answer(order)
    return {
        **_members(answer),
        **_names(order.broker),
        "filled": answer.filled_qty,
        "remaining": answer.remaining_qty,
        "avgFillPrice": answer.avg_fill_price,
    }


def _execution(fill: Executed, order: Order) -> dict[str, Any]:
    return {
        "exec_id": fill.exec_id,
        "order_id": order.id,
        "client_order_id": order.client_order_id,
        "account": fill.account,
        "contract": contract_answer(fill.contract),
        "side": fill.side,
        "qty": number(fill.qty),
        "price": number(fill.price),
        "cum_qty": number(fill.cum_qty),
        "avg_price": money(fill.avg_price),
        "exchange": fill.exchange,
        "time": fill.at,
        "execId": fill.exec_id,
        "corrects": fill.corrects,
        **_names((fill.broker,)),
    }


def _commission(report: Commissioned, order: Order) -> dict[str, Any]:
    return {
        "exec_id": report.exec_id,
        "order_id": order.id,
        "commission": money(report.amount),
        "currency": report.currency,
        "realized_pnl": amount(report.realized_pnl),
        "time": report.at,
        "execId": report.exec_id,
    }


def _names(broker: Sequence[BrokerIds | BrokerOrder]) -> dict[str, int | None]:
    """By the names of IBKR's own API; of the newest of the broker's orders, where a change forked."""
    if not broker:
        return {"orderId": None, "permId": None, "clientId": None}
    ids = broker[-1]
    return {"orderId": ids.order_id or None, "permId": ids.perm_id or None, "clientId": ids.client_id}


def _members(answer: OrderAnswer) -> dict[str, Any]:
    return {name: getattr(answer, name) for name in answer.__slots__}
