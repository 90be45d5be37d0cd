"""The topics `spl`, `ssd` and `sld`: profit and loss, summary and ledger of accounts."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Final

from ibkr_sim.exchange.model import Event, PositionChanged, QuoteChanged
from ibkr_sim.webapi.ordering.tradebook import Trade
from ibkr_sim.webapi.resources.accounts import figures, partitioned
from ibkr_sim.webapi.shapes import accounts as shapes
from ibkr_sim.webapi.streams.topic import Listener

PNL_CADENCE: Final = 1.0
"""Real seconds between two frames of `spl`."""
_ALWAYS: Final = ("key", "timestamp", "acctCode")


class ProfitAndLoss:
    """Speaks when a figure has changed."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._told: dict[str, Any] = {}
        self._stirred = True
        self._next = 0.0

    def begin(self) -> None:
        self._tell()

    def hear(self, event: Event, _trade: Trade | None) -> None:
        self._stirred = self._stirred or isinstance(event, QuoteChanged | PositionChanged)

    def beat(self, moment: float) -> bool:
        if self._stirred and moment >= self._next:
            self._next = moment + PNL_CADENCE
            self._tell()
        return True

    def _tell(self) -> None:
        self._stirred = False
        rows = partitioned(self._listener.house, self._listener.session)
        if rows != self._told:
            self._told = rows
            self._listener.tell({"topic": "spl", "args": rows})


class AccountRows:
    """Speaks at a steady pace. `keys` and `fields` choose rows and members; empty for all."""

    def __init__(
        self,
        listener: Listener,
        topic: str,
        account: str,
        read: Callable[[shapes.Figures], list[dict[str, Any]]],
        keys: Collection[str],
        fields: Collection[str],
    ) -> None:
        self._listener, self._topic, self._account, self._read = listener, topic, account, read
        self._keys, self._fields = frozenset(keys), frozenset(fields)
        self._next: float | None = None

    def begin(self) -> None:
        self._tell()

    def hear(self, _event: Event, _trade: Trade | None) -> None: ...

    def beat(self, moment: float) -> bool:
        cadence = self._listener.house.settings.account_cadence
        if self._next is None:
            self._next = moment + cadence
        elif moment >= self._next:
            self._next = moment + cadence
            self._tell()
        return True

    def _tell(self) -> None:
        rows = self._read(figures(self._listener.house.market, self._account))
        shown = [self._chosen(row) for row in rows if not self._keys or row["key"] in self._keys]
        self._listener.tell({"result": shown, "topic": self._topic})

    def _chosen(self, row: dict[str, Any]) -> dict[str, Any]:
        if not self._fields:
            return row
        return {name: value for name, value in row.items() if name in self._fields or name in _ALWAYS}
