"""Where two clients differ in how they name, call and tell the same things."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple, Protocol

from tests.foreign.puppet import Puppet, exact, exactly, made


class Told(NamedTuple):
    """A bar as a client tells it."""

    time: str
    prices: Sequence[Decimal]
    """Open, high, low and close."""
    volume: Decimal
    trades: int


class Dialect(Protocol):
    options: Sequence[object]
    """What follows calls that end with a list of options in one client and without it in the other."""
    commission: str
    head_timestamp: str
    end_meta: str
    end_events: str
    symbols: str
    most_active: object
    """The scanner of that name."""
    speaks_milliseconds: bool
    reads_completed_from: int
    """The server version from which it reads completed orders; below, it looks for fields in the wrong place (505)."""

    def refusals(self, app: Puppet) -> set[tuple[int, int]]:
        """Ids and codes of every message so far."""

    def bars(self, app: Puppet, request_id: int) -> list[Told]:
        """Those that are complete."""

    def update(self, app: Puppet, request_id: int) -> Told | None:
        """The latest change of a bar that is kept up to date."""

    def period(self, days: int) -> Sequence[object]: ...

    def undone(self) -> object:
        """What says nothing more about a cancel."""

    def exercise(self) -> Sequence[object]: ...


class Stoqey:
    options: Sequence[object] = ()
    commission = "commissionReport"
    head_timestamp = "reqHeadTimestamp"
    end_meta, end_events = "reqCancelWshMetaData", "reqCancelWshEventData"
    symbols = "symbolSamples"
    most_active: object = 2
    speaks_milliseconds = False
    reads_completed_from = 177

    def refusals(self, app: Puppet) -> set[tuple[int, int]]:
        spoken = {(row[2], row[1]) for row in app.heard["error"]}
        return spoken | {(row[2] if len(row) > 2 else -1, row[1]) for row in app.heard["info"]}

    def bars(self, app: Puppet, request_id: int) -> list[Told]:
        rows = [row[1:] for row in app.heard["historicalData"] if row[0] == request_id]
        if not rows or not str(rows[-1][0]).startswith("finished"):
            return []
        return [_row(row) for row in rows[:-1]]

    def update(self, app: Puppet, request_id: int) -> Told | None:
        rows = [row[1:] for row in app.heard["historicalDataUpdate"] if row[0] == request_id]
        return _row(rows[-1]) if rows else None

    def period(self, days: int) -> Sequence[object]:
        return days, "DAY"

    def undone(self) -> object:
        return made("OrderCancel", manualOrderCancelTime="", extOperator="", manualOrderIndicator=None)

    def exercise(self) -> Sequence[object]:
        return ()


class Modern:
    options: Sequence[object] = ([],)
    commission = "commissionAndFeesReport"
    head_timestamp = "reqHeadTimeStamp"
    end_meta, end_events = "cancelWshMetaData", "cancelWshEventData"
    symbols = "symbolSamples"
    most_active: object = "MOST_ACTIVE"
    speaks_milliseconds = True
    reads_completed_from = 0

    def refusals(self, app: Puppet) -> set[tuple[int, int]]:
        return {(row[0], row[2]) for row in app.heard["error"]}

    def bars(self, app: Puppet, request_id: int) -> list[Told]:
        if not any(row[0] == request_id for row in app.heard["historicalDataEnd"]):
            return []
        return [_told(row[1]) for row in app.heard["historicalData"] if row[0] == request_id]

    def update(self, app: Puppet, request_id: int) -> Told | None:
        rows = [row[1] for row in app.heard["historicalDataUpdate"] if row[0] == request_id]
        return _told(rows[-1]) if rows else None

    def period(self, days: int) -> Sequence[object]:
        return (f"{days} day",)

    def undone(self) -> object:
        return made("OrderCancel")

    def exercise(self) -> Sequence[object]:
        return "", "", False


def _row(row: Sequence[Any]) -> Told:
    return Told(str(row[0]), exactly(row[1:5]), exact(row[5]), row[6])


def _told(bar: dict[str, Any]) -> Told:
    prices = exactly([bar[name] for name in ("open", "high", "low", "close")])
    return Told(bar["date"], prices, exact(bar["volume"]), bar["barCount"])
