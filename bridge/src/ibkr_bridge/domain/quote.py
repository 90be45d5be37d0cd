"""A quote: the last known prices of a contract with their times."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class DataType(StrEnum):
    """What kind of data the broker delivers (TWS API, "Market Data Types")."""

    LIVE = "live"
    FROZEN = "frozen"
    DELAYED = "delayed"
    DELAYED_FROZEN = "delayed_frozen"


@dataclass(frozen=True, slots=True)
class Quote:
    """Prices in the contract's currency; a value never heard of, or withdrawn, is None, never 0."""

    conid: int
    data_type: DataType | None = None
    bid: Decimal | None = None
    bid_size: Decimal | None = None
    ask: Decimal | None = None
    ask_size: Decimal | None = None
    last: Decimal | None = None
    last_size: Decimal | None = None
    open: Decimal | None = None
    high: Decimal | None = None
    low: Decimal | None = None
    close: Decimal | None = None
    volume: Decimal | None = None
    updated_at: datetime | None = None
    """When the last value arrived here."""

    @property
    def priced(self) -> bool:
        return any(price is not None for price in (self.bid, self.ask, self.last, self.close))
