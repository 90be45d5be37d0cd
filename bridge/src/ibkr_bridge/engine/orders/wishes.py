"""What callers ask for: whether it makes sense, can be carried, and was asked before. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from decimal import Decimal
from itertools import chain
from typing import Final

from ibkr_bridge.domain.errors import InvalidRequest, NotSupported
from ibkr_bridge.domain.order import PlaceOrder
from ibkr_bridge.domain.terms import OcaType
from ibkr_bridge.engine.orders.coherence import sensible
from ibkr_bridge.ports.upstream import Capabilities

_FIRST: Final = ("side", "qty", "type", "limit", "stop", "tif", "outside_rth")
"""The terms that every version writes, in this order."""


def together(command: PlaceOrder) -> Sequence[PlaceOrder]:
    """The order and its children, if they hold together. Raises InvalidRequest."""
    for member in (command, *command.children):
        sensible(member.terms, combo=bool(member.contract.legs))
    for child in command.children:
        if (child.contract, child.account) != (command.contract, command.account):
            raise InvalidRequest("An order and its children are of one contract and account.", field="contract")
        if child.terms.side is command.terms.side:
            raise InvalidRequest("The children of an order close what it opens: their side is the other.", field="side")
        if child.children:
            raise InvalidRequest("A child has no children of its own.", field="children")
    _differ([member.client_order_id for member in (command, *command.children)])
    return (command, *command.children)


def _differ(names: Sequence[str | None]) -> None:
    known = [name for name in names if name]
    if len(set(known)) < len(known):
        raise InvalidRequest("Each of these orders has a client order id of its own.", field="client_order_id")


def carried(commands: Sequence[PlaceOrder], kind: OcaType, door: Capabilities) -> None:
    """Of a group: whether it holds together, and this door can carry it. Raises InvalidRequest, NotSupported."""
    if len(commands) < 2:
        raise InvalidRequest("A group has two orders or more.", field="orders")
    for command in commands:
        sensible(command.terms, combo=bool(command.contract.legs))
        possible(command, door)
        if command.children or command.terms.oca is not None:
            raise InvalidRequest("An order of a group has no exits and no group of its own.", field="orders")
        if command.account != commands[0].account:
            raise InvalidRequest("The orders of a group are of one account.", field="account")
    _differ([command.client_order_id for command in commands])
    if kind is not OcaType.CANCEL and "order.oca" not in door.supported:
        raise NotSupported(f"At this door the others of a group are cancelled, not {kind}.")


def possible(command: PlaceOrder, door: Capabilities) -> None:
    """Raises NotSupported for what this way to the broker cannot carry, with its reason."""
    for member in (command, *command.children):
        named = (*member.terms.abilities, *(("order.combo",) if member.contract.legs else ()))
        for ability in named:
            if ability not in door.supported:
                why = door.missing.get(ability, f"The {door.door} door does not carry it.")
                raise NotSupported(f"{ability}: {why}", advice="GET /capabilities lists what this door can do.")


def fingerprint(command: PlaceOrder) -> str:
    """The same for the same wish however its numbers are written; its own client order id is left out."""
    return _hashed(_whole(command))


def group_fingerprint(commands: Sequence[PlaceOrder], kind: OcaType) -> str:
    """One for all orders of a group, also for those without a client order id."""
    parts = [(*_whole(command), command.client_order_id) for command in commands]
    return _hashed([*chain.from_iterable(parts), f"group={kind}"])


def _hashed(parts: Sequence[object]) -> str:
    return hashlib.sha256(repr([None if part is None else str(part) for part in parts]).encode()).hexdigest()


def _whole(command: PlaceOrder) -> Sequence[object]:
    """With its exits, and their client order ids."""
    exits = chain.from_iterable((*_written(child), child.client_order_id) for child in command.children)
    return (*_written(command), *exits)


def _written(command: PlaceOrder) -> Sequence[object]:
    """What a later version knows besides is written only where it is named: a wish that is kept stays the same."""
    contract, terms = command.contract, command.terms
    further = [
        f"{part.name}={_plain(value)}"
        for part in fields(terms)
        if part.name not in _FIRST and (value := getattr(terms, part.name)) != part.default
    ]
    return (
        command.account,
        contract.symbol,
        contract.conid,
        contract.sec_type,
        contract.exchange,
        contract.currency,
        contract.primary_exchange,
        contract.local_symbol,
        *(f"leg={_plain(leg)}" for leg in contract.legs),
        *(_plain(getattr(terms, name)) for name in _FIRST),
        *further,
    )


def _plain(value: object) -> object:
    """A number without needless zeros, at any depth; the rest as it is."""
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, tuple):
        return tuple(_plain(item) for item in value)
    if is_dataclass(value):
        return tuple(_plain(getattr(value, part.name)) for part in fields(value))
    return None if value is None else str(value)
