"""Shapes of the answers about bars."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from ibkr_bridge.api.columns.rows import BarAnswer, bar_answer
from ibkr_bridge.api.contracts import EXAMPLE, ContractAnswer
from ibkr_bridge.domain.bars import Bar, What


@dataclass(frozen=True, slots=True)
class BarsAnswer:
    """`bars` oldest first, each time once."""

    contract: ContractAnswer
    bar: str
    what: What
    rth: bool
    start: Annotated[datetime | None, Field(description="Null where IBKR counted `duration` back")]
    end: Annotated[datetime | None, Field(description="Null: the present")]
    duration: str | None
    bars: list[BarAnswer]
    count: int
    complete: Annotated[bool, Field(description="False while the last bar is under way: it will still change")]
    as_of: datetime


@dataclass(frozen=True, slots=True)
class LastBarsAnswer:
    """The last bars; `live` says where those on /ws/stream come from."""

    contract: ContractAnswer
    bar: str
    what: What
    rth: bool
    bars: list[BarAnswer]
    complete: bool
    live: Annotated[Literal["ibkr", "quotes"], Field(description="Told by IBKR, or made from quotes")]
    as_of: datetime
    stale: Annotated[str | None, Field(description="Why this may be out of date; null: it is not")]


_AT = datetime(2026, 11, 20, 20, 59, tzinfo=UTC)
_BAR = bar_answer(
    Bar(
        time=_AT,
        open=Decimal("175.50"),
        high=Decimal("175.61"),
        low=Decimal("175.48"),
        close=Decimal("175.60"),
        volume=Decimal(18400),
        wap=Decimal("175.553"),
        count=61,
    )
)
HISTORY = BarsAnswer(
    contract=EXAMPLE,
    bar="1m",
    what=What.TRADES,
    rth=True,
    start=None,
    end=None,
    duration="1 D",
    bars=[_BAR],
    count=1,
    complete=True,
    as_of=datetime(2026, 11, 20, 22, 10, tzinfo=UTC),
)
LAST_BARS = LastBarsAnswer(
    contract=EXAMPLE,
    bar="1m",
    what=What.TRADES,
    rth=True,
    bars=[_BAR],
    complete=True,
    live="ibkr",
    as_of=datetime(2026, 11, 20, 22, 10, tzinfo=UTC),
    stale=None,
)
