"""The executions of the last days: the exchange forgets them at midnight, IBKR tells of seven trading days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from ibkr_sim.exchange.model import Commission, CommissionCharged, Event, Executed, Execution, Order

LONGEST: Final = 7
"""Trading days."""
_FRIDAY: Final = 4


@dataclass(frozen=True, slots=True)
class Trade:
    """An execution with its order; the commission comes after it, the position is that after the trade."""

    execution: Execution
    order: Order
    commission: Commission | None = None
    position: Decimal = Decimal(0)

    def shifted(self, skew: timedelta) -> Trade:
        """As by a clock that is wrong by so much."""
        return replace(self, execution=replace(self.execution, time=self.execution.time + skew)) if skew else self


class TradeBook:
    """Oldest first; a correction takes the place of what it corrects."""

    def __init__(self, time_zone: str) -> None:
        self._zone = ZoneInfo(time_zone)
        self._trades: dict[str, Trade] = {}
        self._held: dict[tuple[str, int], Decimal] = {}

    def hear(self, event: Event) -> Trade | None:
        """Note an event; the trade that it told of, if it did."""
        match event:
            case Executed(execution=execution, order=order):
                trade = Trade(execution, order, position=self._position(execution))
            case CommissionCharged(commission=commission, execution=execution, order=order):
                known = self._trades.get(_root(execution))
                trade = Trade(execution, order, commission, known.position if known else Decimal(0))
            case _:
                return None
        self._trades[_root(execution)] = trade
        return trade

    def trades(self, now: datetime, days: int = 1) -> Sequence[Trade]:
        """Of today and the trading days before it, `days` in all."""
        first = _back(now.astimezone(self._zone).date(), min(max(days, 1), LONGEST) - 1)
        return self.since(first)

    def since(self, first: date) -> Sequence[Trade]:
        """Of that day and every later one; a trade's day is the region's."""
        return [row for row in self._trades.values() if self.day(row) >= first]

    def day(self, trade: Trade) -> date:
        return trade.execution.time.astimezone(self._zone).date()

    def _position(self, execution: Execution) -> Decimal:
        known = self._trades.get(_root(execution))
        if known is not None:
            return known.position
        key = execution.account, execution.conid
        signed = execution.shares if execution.side.value == "BUY" else -execution.shares
        self._held[key] = self._held.get(key, Decimal(0)) + signed
        return self._held[key]


def _back(day: date, steps: int) -> date:
    """So many trading days before a day."""
    for _ in range(steps):
        day -= timedelta(days=1)
        while day.weekday() > _FRIDAY:
            day -= timedelta(days=1)
    return day


def _root(execution: Execution) -> str:
    """What stays when an execution is corrected."""
    return execution.exec_id.rpartition(".")[0]
