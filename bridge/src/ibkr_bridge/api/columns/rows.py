"""The columns of a bar, under the names they have in every format."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from pydantic import Field

from ibkr_bridge.api.json import JsonNumber, exact, number
from ibkr_bridge.domain.bars import Bar

COLUMNS: Final = ("time", "open", "high", "low", "close", "volume", "wap", "count")


@dataclass(frozen=True, slots=True)
class BarAnswer:
    """One interval, which begins at `time`; a day and longer: midnight UTC of the trading day."""

    time: datetime
    open: JsonNumber
    high: JsonNumber
    low: JsonNumber
    close: JsonNumber
    volume: JsonNumber | None
    wap: Annotated[JsonNumber | None, Field(description="Average price, weighted by volume")]
    count: Annotated[int | None, Field(description="Of trades")]


def bar_answer(bar: Bar) -> BarAnswer:
    return BarAnswer(
        time=bar.time,
        open=number(bar.open),
        high=number(bar.high),
        low=number(bar.low),
        close=number(bar.close),
        volume=exact(bar.volume),
        wap=exact(bar.wap),
        count=bar.count,
    )


def members(bar: Bar) -> dict[str, object]:
    """As members of an object that has others too."""
    answer = bar_answer(bar)
    return {name: getattr(answer, name) for name in COLUMNS}
