"""Faults of lists: what is missing from them, and ends that come too soon or never."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, TypeVar

from ibkr_sim.exchange.model import Execution
from ibkr_sim.faults.fault import Fault
from ibkr_sim.faults.moments import Moment, Snapshot
from ibkr_sim.faults.ports import Client

Row = TypeVar("Row")


@dataclass(eq=False)
class SnapshotCut(Fault):
    """So many rows of a list are missing, chosen by chance, though its end marker comes; or the end never comes.

    A failed list must not be read as flat (nautilus_trader#3715); a live execution list without an end has been seen.
    At the Web API's door an open order list without an end says `snapshot:false`.
    """

    acts_on: ClassVar[Moment | None] = Moment.SNAPSHOT
    of: Snapshot = Snapshot.OPEN_ORDERS
    missing: int = 1
    ended: bool = True

    def applies(self, snapshot: Snapshot) -> bool:
        return snapshot is self.of

    def listing(self, client: Client, snapshot: Snapshot, rows: Sequence[Row]) -> tuple[Sequence[Row], bool]:
        lost = set(self.stage.random.sample(range(len(rows)), min(max(self.missing, 0), len(rows))))
        return [row for place, row in enumerate(rows) if place not in lost], self.ended


@dataclass(eq=False)
class ExecutionsSinceMidnight(Fault):
    """It is as if midnight came now: executions before it are in no list any more; the ledger keeps them.

    IBKR answers reqExecutions since midnight only ("Execution details" in the TWS API documentation).
    """

    _midnight: datetime | None = field(default=None, init=False)

    def begin(self, client: Client | None) -> None:
        self._midnight = self.stage.market.now()

    def visible(self, client: Client, snapshot: Snapshot, rows: Sequence[Row]) -> Sequence[Row]:
        if snapshot is not Snapshot.EXECUTIONS or self._midnight is None:
            return rows
        return [row for row in rows if not _before(row, self._midnight)]


def _before(row: object, midnight: datetime) -> bool:
    match row:
        case (Execution(time=when), _):
            return when <= midnight
        case _:
            return False
