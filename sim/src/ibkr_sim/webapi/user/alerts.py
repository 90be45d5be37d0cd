"""Alerts: conditions on the market of which a user wants to hear (Web API: "Alerts")."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from enum import IntEnum, StrEnum
from itertools import count
from typing import Final

from ibkr_sim.exchange.model import Quote

FIRST_ID: Final = 900_001
TIME_FORMAT: Final = "%Y%m%d-%H:%M:%S"


Quotes = Callable[[int], Quote | None]
"""By conid; None for a contract that does not exist."""


class Kind(IntEnum):
    """What a condition looks at; those that are not of the market are kept, and never met."""

    PRICE = 1
    TIME = 3
    MARGIN = 4
    TRADE = 5
    VOLUME = 6
    MTA_MARKET = 7
    MTA_POSITION = 8
    MTA_DAILY_PNL = 9


class Bind(StrEnum):
    """How a condition is bound to the next one."""

    AND = "a"
    OR = "o"
    END = "n"


class Operator(StrEnum):
    AT_LEAST = ">="
    AT_MOST = "<="


@dataclass(frozen=True, slots=True)
class Condition:
    """`value` is a price, a volume, a time in UTC (`20260302-15:30:00`), or `*`."""

    kind: Kind
    conid: int
    exchange: str
    operator: Operator
    value: str
    bind: Bind
    trigger_method: str = "0"
    time_zone: str = ""


@dataclass(frozen=True, slots=True)
class Alert:
    """`id` is the order id by which IBKR names it."""

    id: int
    account: str
    name: str
    message: str
    conditions: tuple[Condition, ...]
    created: datetime
    tif: str = "GTC"
    expires: str = ""
    repeatable: bool = False
    outside_rth: bool = False
    email: str = ""
    sends_message: bool = False
    pops_up: bool = False
    orders_only: bool = False
    active: bool = True
    triggered: bool = False


class UnknownAlert(Exception):
    """There is no alert of that id."""


class Alerts:
    """One user's. The mobile trading assistant's alert is there from the beginning and cannot be deleted."""

    def __init__(self, account: str, now: datetime) -> None:
        self._ids = count(FIRST_ID)
        assistant = Alert(next(self._ids), account, "MTA", "", (), now, repeatable=True)
        self._assistant_id = assistant.id
        self._alerts = {assistant.id: assistant}

    @property
    def assistant(self) -> Alert:
        return self._alerts[self._assistant_id]

    def of(self, account: str) -> Sequence[Alert]:
        """Newest first, without the assistant's."""
        rows = (row for row in self._alerts.values() if row.account == account and row.id != self._assistant_id)
        return list(rows)[::-1]

    def find(self, alert_id: int) -> Alert:
        """Raises UnknownAlert."""
        try:
            return self._alerts[alert_id]
        except KeyError:
            raise UnknownAlert(alert_id) from None

    def add(self, draft: Alert) -> Alert:
        """It gets an id."""
        alert = replace(draft, id=next(self._ids))
        self._alerts[alert.id] = alert
        return alert

    def change(self, alert: Alert) -> None:
        """Put it in the place of the one of its id, in the same account. Raises UnknownAlert."""
        if self.find(alert.id).account != alert.account:
            raise UnknownAlert(alert.id)
        self._alerts[alert.id] = alert

    def activate(self, account: str, alert_id: int, *, active: bool) -> None:
        """Raises UnknownAlert."""
        alert = self._owned(account, alert_id)
        self._alerts[alert_id] = replace(alert, active=active, triggered=alert.triggered and not active)

    def delete(self, account: str, alert_id: int) -> None:
        """0 stands for all of the account. Raises UnknownAlert, also where there is nothing to delete."""
        chosen = self.of(account) if alert_id == 0 else [self._owned(account, alert_id)]
        if not chosen or self._assistant_id in {alert.id for alert in chosen}:
            raise UnknownAlert(alert_id)
        for alert in chosen:
            del self._alerts[alert.id]

    def wake(self, quote: Quotes, now: datetime, conid: int | None = None) -> Sequence[Alert]:
        """Those that are met for the first time; with a conid, only those that look at that contract or at the time."""
        met = [row for row in self._alerts.values() if _is_due(row, conid) and is_met(row.conditions, quote, now)]
        for alert in met:
            self._alerts[alert.id] = replace(alert, triggered=True, active=alert.repeatable)
        return met

    def _owned(self, account: str, alert_id: int) -> Alert:
        alert = self.find(alert_id)
        if alert.account != account:
            raise UnknownAlert(alert_id)
        return alert


def is_met(conditions: Sequence[Condition], quote: Quotes, now: datetime) -> bool:
    """From left to right, as they are bound."""
    met, bind = False, Bind.OR
    for condition in conditions:
        one = _holds(condition, quote, now)
        met = (met and one) if bind is Bind.AND else (met or one)
        bind = condition.bind
    return met


def moment(text: str) -> datetime:
    """Raises ValueError."""
    return datetime.strptime(text, TIME_FORMAT).replace(tzinfo=UTC)


def _is_due(alert: Alert, conid: int | None) -> bool:
    if not alert.active or alert.triggered:
        return False
    return conid is None or any(row.conid == conid or row.kind is Kind.TIME for row in alert.conditions)


def _holds(condition: Condition, quote: Quotes, now: datetime) -> bool:
    match condition.kind:
        case Kind.TIME:
            return _compares(condition, Decimal(now.timestamp()), Decimal(moment(condition.value).timestamp()))
        case Kind.PRICE | Kind.VOLUME:
            figure = _figure(condition.kind, quote(condition.conid))
            return figure is not None and _compares(condition, figure, Decimal(condition.value))
        case _:
            return False


def _figure(kind: Kind, quote: Quote | None) -> Decimal | None:
    if quote is None:
        return None
    price = quote.last if quote.last is not None else quote.bid
    return price if kind is Kind.PRICE else quote.volume


def _compares(condition: Condition, value: Decimal, limit: Decimal) -> bool:
    return value >= limit if condition.operator is Operator.AT_LEAST else value <= limit
