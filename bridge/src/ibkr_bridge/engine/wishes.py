"""What callers ask for: whether it makes sense, and whether it was asked before. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from decimal import Decimal

from ibkr_bridge.domain.errors import InvalidRequest
from ibkr_bridge.domain.order import PlaceOrder, Terms


def sensible(terms: Terms) -> Terms:
    """The terms, if they hold together. Raises InvalidRequest naming the field."""
    if terms.qty <= 0:
        raise InvalidRequest("qty must be above 0.", field="qty")
    _price("limit", terms.limit, needed=terms.type.needs_limit, order_type=terms.type)
    _price("stop", terms.stop, needed=terms.type.needs_stop, order_type=terms.type)
    return terms


def _price(field: str, price: Decimal | None, *, needed: bool, order_type: str) -> None:
    if needed and price is None:
        raise InvalidRequest(f"A {order_type} order needs `{field}`.", field=field)
    if not needed and price is not None:
        raise InvalidRequest(f"A {order_type} order takes no `{field}`.", field=field)


def together(command: PlaceOrder) -> Sequence[PlaceOrder]:
    """The order and its children, if they hold together. Raises InvalidRequest."""
    for member in (command, *command.children):
        sensible(member.terms)
    for child in command.children:
        if (child.contract, child.account) != (command.contract, command.account):
            raise InvalidRequest("An order and its children are of one contract and account.", field="contract")
        if child.terms.side is command.terms.side:
            raise InvalidRequest("The children of an order close what it opens: their side is the other.", field="side")
        if child.children:
            raise InvalidRequest("A child has no children of its own.", field="children")
    names = [member.client_order_id for member in (command, *command.children) if member.client_order_id]
    if len(set(names)) < len(names):
        raise InvalidRequest("Each order of a bracket has a client order id of its own.", field="client_order_id")
    return (command, *command.children)


def fingerprint(command: PlaceOrder) -> str:
    """The same for the same wish however its numbers are written; its own client order id is left out."""
    parts = [*_written(command)]
    for child in command.children:
        parts += [*_written(child), child.client_order_id]
    return hashlib.sha256(repr([None if part is None else str(part) for part in parts]).encode()).hexdigest()


def _written(command: PlaceOrder) -> Sequence[object]:
    contract, terms = command.contract, command.terms
    return (
        command.account,
        contract.symbol,
        contract.conid,
        contract.sec_type,
        contract.exchange,
        contract.currency,
        contract.primary_exchange,
        contract.local_symbol,
        terms.side,
        _plain(terms.qty),
        terms.type,
        _plain(terms.limit),
        _plain(terms.stop),
        terms.tif,
        terms.outside_rth,
    )


def _plain(number: Decimal | None) -> str | None:
    return None if number is None else format(number.normalize(), "f")
