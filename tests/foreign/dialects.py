"""Where two clients differ in how they name, call and tell the same things."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from tests.foreign.puppet import Puppet, exact, exactly, made

Fields = Mapping[str, Any]
"""Of an object, as a client tells it."""


class Told(NamedTuple):
    """A bar as a client tells it."""

    time: str
    prices: Sequence[Decimal]
    """Open, high, low and close."""
    volume: Decimal
    trades: int
    average: Decimal


class Dialect(Protocol):
    options: Sequence[object]
    """What follows calls that end with a list of options in one client and without it in the other."""
    commission: str
    head_timestamp: str
    end_meta: str
    end_events: str
    symbols: str
    most_active: object
    top_gainers: object
    """The scanners of these names."""
    speaks_milliseconds: bool
    swallows: frozenset[int]
    """Kinds of ticks that it does not tell: one client takes the 0 of a bid's size for none."""
    reads_steps: bool
    """Whether it tells the smallest step of a price; else it makes a whole number of it."""
    reads_completed_from: int
    """The server version from which it reads completed orders; below, it looks for fields in the wrong place (505)."""

    def refusals(self, app: Puppet) -> set[tuple[int, int]]:
        """Ids and codes of every message so far."""

    def bars(self, app: Puppet, request_id: int) -> list[Told]:
        """Those that are complete."""

    def updates(self, app: Puppet, request_id: int) -> list[Told]:
        """Every change of a bar that is kept up to date."""

    def period(self, days: int) -> Sequence[object]: ...

    def undone(self) -> Sequence[object]:
        """What follows in a cancel, and says nothing more about it."""

    def exercise(self) -> Sequence[object]: ...

    def listing(self, contract: Fields) -> str:
        """Where it is listed first."""

    def expires(self, contract: Fields) -> str: ...

    def second(self, told: Any) -> int:
        """Of a moment, since 1970."""

    def components(self, told: Any) -> list[tuple[int, str, str]]:
        """Bit, exchange and letter."""

    def providers(self, rows: Sequence[Fields]) -> dict[str, str]:
        """Names by codes."""

    def commissions(self, state: Fields) -> list[Any]:
        """Of a preview: the expected one, the least, the most."""

    def charges(self, report: Fields) -> list[Any]:
        """What an execution cost."""

    def family(self, row: Fields) -> str: ...

    def legs(self, contract: Fields) -> str:
        """A combination in short."""

    def condition(self, kind: str, *, either: bool, **terms: object) -> dict[str, object]:
        """Of an order, under IBKR's names; `either` where the next one is an alternative."""


class Stoqey:
    options: Sequence[object] = ()
    commission = "commissionReport"
    head_timestamp = "reqHeadTimestamp"
    end_meta, end_events = "reqCancelWshMetaData", "reqCancelWshEventData"
    symbols = "symbolSamples"
    most_active: object = 2
    top_gainers: object = 0
    speaks_milliseconds = False
    swallows = frozenset({0})
    reads_steps = False
    reads_completed_from = 177

    def refusals(self, app: Puppet) -> set[tuple[int, int]]:
        spoken = {(row[2], row[1]) for row in app.heard["error"]}
        return spoken | {(row[2] if len(row) > 2 else -1, row[1]) for row in app.heard["info"]}

    def bars(self, app: Puppet, request_id: int) -> list[Told]:
        rows = [row[1:] for row in app.heard["historicalData"] if row[0] == request_id]
        if not rows or not str(rows[-1][0]).startswith("finished"):
            return []
        return [_row(row) for row in rows[:-1]]

    def updates(self, app: Puppet, request_id: int) -> list[Told]:
        return [_row(row) for row in app.rows("historicalDataUpdate", request_id)]

    def period(self, days: int) -> Sequence[object]:
        return days, "DAY"

    def undone(self) -> Sequence[object]:
        return (made("OrderCancel", manualOrderCancelTime="", extOperator="", manualOrderIndicator=None),)

    def exercise(self) -> Sequence[object]:
        return ()

    def listing(self, contract: Fields) -> str:
        return contract.get("primaryExch") or ""

    def expires(self, contract: Fields) -> str:
        return contract.get("lastTradeDate") or contract.get("lastTradeDateOrContractMonth") or ""

    def second(self, told: Any) -> int:
        return _second(told)

    def components(self, told: Any) -> list[tuple[int, str, str]]:
        return [(bit, exchange, letter) for bit, (exchange, letter) in told]

    def providers(self, rows: Sequence[Fields]) -> dict[str, str]:
        return {row["providerCode"]: row["providerName"] for row in rows}

    def commissions(self, state: Fields) -> list[Any]:
        return [state["commission"], state["minCommission"], state["maxCommission"]]

    def charges(self, report: Fields) -> list[Any]:
        return [report["commission"]]

    def family(self, row: Fields) -> str:
        return str(row["familyCode"])

    def legs(self, contract: Fields) -> str:
        return str(contract["comboLegsDescription"])

    def condition(self, kind: str, *, either: bool, **terms: object) -> dict[str, object]:
        named = {"percent" if name == "changePercent" else name: value for name, value in terms.items()}
        return made(f"{kind}Condition", **named, conjunctionConnection="o" if either else "a")


class Classic:
    """As IBKR's clients have spoken for long, and those that were made after them."""

    options: Sequence[object] = ([],)
    commission = "commissionReport"
    head_timestamp = "reqHeadTimeStamp"
    end_meta, end_events = "cancelWshMetaData", "cancelWshEventData"
    symbols = "symbolSamples"
    most_active: object = "MOST_ACTIVE"
    top_gainers: object = "TOP_PERC_GAIN"
    speaks_milliseconds = False
    swallows: frozenset[int] = frozenset()
    reads_steps = True
    reads_completed_from = 0

    def refusals(self, app: Puppet) -> set[tuple[int, int]]:
        return {(row[0], row[1]) for row in app.heard["error"]}

    def bars(self, app: Puppet, request_id: int) -> list[Told]:
        if not any(row[0] == request_id for row in app.heard["historicalDataEnd"]):
            return []
        return [_told(row[1]) for row in app.heard["historicalData"] if row[0] == request_id]

    def updates(self, app: Puppet, request_id: int) -> list[Told]:
        return [_told(bar) for (bar,) in app.rows("historicalDataUpdate", request_id)]

    def period(self, days: int) -> Sequence[object]:
        return (f"{days} day",)

    def undone(self) -> Sequence[object]:
        return ()

    def exercise(self) -> Sequence[object]:
        return ()

    def listing(self, contract: Fields) -> str:
        return str(contract["primaryExchange"])

    def expires(self, contract: Fields) -> str:
        return str(contract["lastTradeDateOrContractMonth"])

    def second(self, told: Any) -> int:
        return _second(told)

    def components(self, told: Any) -> list[tuple[int, str, str]]:
        return [(row["bitNumber"], row["exchange"], row["exchangeLetter"]) for row in told]

    def providers(self, rows: Sequence[Fields]) -> dict[str, str]:
        return {row["code"]: row["name"] for row in rows}

    def commissions(self, state: Fields) -> list[Any]:
        return [state["commission"], state["minCommission"], state["maxCommission"]]

    def charges(self, report: Fields) -> list[Any]:
        return [report["commission"]]

    def family(self, row: Fields) -> str:
        return str(row["familyCodeStr"])

    def legs(self, contract: Fields) -> str:
        return str(contract["comboLegsDescrip"])

    def condition(self, kind: str, *, either: bool, **terms: object) -> dict[str, object]:
        return made(f"{kind}Condition", **terms, isConjunctionConnection=not either)


class Modern(Classic):
    commission = "commissionAndFeesReport"
    speaks_milliseconds = True

    def refusals(self, app: Puppet) -> set[tuple[int, int]]:
        return {(row[0], row[2]) for row in app.heard["error"]}

    def undone(self) -> Sequence[object]:
        return (made("OrderCancel"),)

    def commissions(self, state: Fields) -> list[Any]:
        return [state["commissionAndFees"], state["minCommissionAndFees"], state["maxCommissionAndFees"]]

    def charges(self, report: Fields) -> list[Any]:
        return [report["commissionAndFees"]]

    def exercise(self) -> Sequence[object]:
        return "", "", False


class Looped(Classic):
    """ib_async and ib_insync."""

    def second(self, told: Any) -> int:
        """Of most moments they make one of Python's."""
        return int(datetime.fromisoformat(told).timestamp()) if "-" in told else _second(told)

    def condition(self, kind: str, *, either: bool, **terms: object) -> dict[str, object]:
        named = {"exch" if name == "exchange" else name: value for name, value in terms.items()}
        return made(f"{kind}Condition", **named, conjunction="o" if either else "a")


def _second(told: object) -> int:
    """Of a number, or of `20260302 10:04:20` in New York, with the name of the zone or without."""
    day, *time = str(told).split()
    if not time:
        return int(day)
    local = datetime.strptime(f"{day} {time[0]}", "%Y%m%d %H:%M:%S").replace(tzinfo=ZoneInfo("US/Eastern"))
    return int(local.timestamp())


def _row(row: Sequence[Any]) -> Told:
    return Told(str(row[0]), exactly(row[1:5]), exact(row[5]), row[6], exact(row[7]))


def _told(bar: Fields) -> Told:
    prices = exactly([bar[name] for name in ("open", "high", "low", "close")])
    average = bar["wap"] if "wap" in bar else bar["average"]
    return Told(bar["date"], prices, exact(bar["volume"]), bar["barCount"], exact(average))
