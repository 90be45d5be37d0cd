"""Executions and their corrections: what an order's fills add up to. Pure."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from ibkr_bridge.domain.contract import COMBO
from ibkr_bridge.domain.events import Commissioned, Executed
from ibkr_bridge.domain.order import Fill, Order

_EIGHT_PLACES = Decimal("1E-8")


def fill_of(exec_id: str) -> str:
    """What an execution and its corrections share: they differ only in the digits after the last period.

    Source: IBKR's TWS API documentation, "Executions and Commissions".
    """
    return exec_id.rpartition(".")[0] or exec_id


def revision(exec_id: str) -> int:
    """The higher one holds."""
    digits = exec_id.rpartition(".")[2]
    return int(digits) if digits.isdecimal() else 0


def corrected_by(order: Order, event: Executed) -> Fill | None:
    """The fill that the execution is a later version of, or the same one again."""
    return next((fill for fill in order.fills if fill_of(fill.exec_id) == fill_of(event.exec_id)), None)


def counted(order: Order, event: Executed) -> Order:
    """The order with the execution in its figures; the same object when this version of it, or a later, is known.

    Of a combo the broker tells an execution of the whole and one of each leg (TWS API, "Combo Orders").
    """
    known = corrected_by(order, event)
    leg = event.contract.conid if order.contract.legs and event.contract.sec_type != COMBO else 0
    if leg:
        return _leg_counted(order, event, known, leg)
    if known is None:
        late = revision(event.exec_id) > 1  # what it corrects was never told
        fill = Fill(event.exec_id, event.qty, event.price, event.broker.perm_id, corrected=late)
        return _totalled(replace(order, fills=(*order.fills, fill)), event, Decimal(0))
    if revision(event.exec_id) <= revision(known.exec_id):
        return order
    fill = replace(known, exec_id=event.exec_id, qty=event.qty, price=event.price, corrected=True)
    fills = tuple(fill if one is known else one for one in order.fills)
    return _totalled(replace(order, fills=fills), event, min(event.qty - known.qty, Decimal(0)), corrected=True)


def charged(order: Order, event: Commissioned) -> Order:
    """The order with the commission of one of its fills; told twice it counts once, told anew it replaces."""
    fills = tuple(
        replace(fill, commission=event.amount) if fill.exec_id == event.exec_id else fill for fill in order.fills
    )
    return order if fills == order.fills else replace(order, fills=fills, commission_currency=event.currency)


def shown_by(order: Order, perm_id: int) -> Decimal:
    """What the fills of one of the broker's orders add up to."""
    return sum((fill.qty for fill in order.own_fills if fill.perm_id == perm_id), Decimal(0))


def average(order: Order) -> Decimal | None:
    """What was paid for each, exact to eight places; None where no fill tells it."""
    fills = order.own_fills
    shown = sum((fill.qty for fill in fills), Decimal(0))
    if not shown:
        return None
    if len({fill.price for fill in fills}) == 1:
        return fills[0].price  # as the broker wrote it
    paid = sum((fill.qty * fill.price for fill in fills), Decimal(0))
    price = (paid / shown).quantize(_EIGHT_PLACES)
    return Decimal(format(price, "f").rstrip("0").rstrip("."))


def _leg_counted(order: Order, event: Executed, known: Fill | None, leg: int) -> Order:
    """A leg's fill tells what was paid and charged; only all legs together tell how much of the combo has filled."""
    if known is not None and revision(event.exec_id) <= revision(known.exec_id):
        return order
    fill = Fill(event.exec_id, event.qty, event.price, event.broker.perm_id, corrected=known is not None, leg=leg)
    if known is not None:
        fill = replace(fill, commission=known.commission)
    others = tuple(one for one in order.fills if one is not known)
    shown = replace(order, fills=(*others, fill))
    return replace(shown, filled_qty=max(order.filled_qty, shown.executed_qty))


def _totalled(order: Order, event: Executed, less: Decimal, *, corrected: bool = False) -> Order:
    """Fills raise what the broker has told, and only a correction lowers it."""
    shown = shown_by(order, event.broker.perm_id)
    broker = tuple(
        replace(theirs, filled_qty=max(shown, theirs.filled_qty + less, Decimal(0) if corrected else event.cum_qty))
        if theirs.perm_id == event.broker.perm_id
        else theirs
        for theirs in order.broker
    )
    told = max(sum((theirs.filled_qty for theirs in broker), Decimal(0)), order.executed_qty)
    total = told if corrected else max(told, order.filled_qty)
    price = order.avg_fill_price
    if order.executed_qty == total:
        price = average(order)
    elif len(broker) < 2 and event.cum_qty >= order.filled_qty:  # fills are still missing: the broker knows them
        price = event.avg_price
    return replace(order, broker=broker, filled_qty=total, avg_fill_price=price)
