"""Notices of IBKR to a user, which kinds of them are wanted, and where to (Web API: "FYIs and Notifications")."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Final

USER_ALERT: Final = "UA"
SYSTEM: Final = "SM"
TOPICS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "BA": "Borrow Availability",
        "CA": "Comparable Algo",
        "DA": "Dividends Advisory",
        "EA": "Upcoming Earnings",
        "MF": "Mutual Fund Advisory",
        "OE": "Option Expiration",
        "PR": "Portfolio Builder Rebalance",
        "SE": "Suspend Order on Economic Event",
        "SG": "Short Term Gain turning Long Term",
        SYSTEM: "System Messages",
        "T2": "Assignment Realizing Long-Term Gains",
        "TO": "Takeover",
        USER_ALERT: "User Alert",
        "M8": "M871 Trades",
        "PS": "Platform Use Suggestions",
        "DL": "Unexercised Option Loss Prevention Reminder",
        "PT": "Position Transfer",
        "CB": "Missing Cost Basis",
        "MS": "Milestones",
        "TD": "MiFID 10% Depreciation Notice",
        "ST": "Save Taxes",
        "TI": "Trade Idea",
        "CT": "Cash Transfer",
    }
)
"""Codes and titles."""
FIXED: Final = frozenset({SYSTEM, USER_ALERT})
"""Topics that cannot be switched off."""


@dataclass(frozen=True, slots=True)
class Notice:
    id: str
    topic: str
    headline: str
    body: str
    time: datetime
    read: bool = False


@dataclass(frozen=True, slots=True)
class Device:
    id: str
    name: str
    shown: str
    enabled: bool


class Notices:
    """One user's."""

    def __init__(self) -> None:
        self._notices: list[Notice] = []
        self.unwanted: set[str] = set()
        """Codes that were switched off."""
        self.acknowledged: set[str] = set()
        """Codes whose disclaimer was read."""
        self.email = True
        """Whether notices go out by email, too."""
        self.devices: dict[str, Device] = {}

    @property
    def unread(self) -> int:
        return sum(1 for row in self._notices if not row.read)

    def add(self, topic: str, headline: str, body: str, now: datetime) -> Notice:
        notice = Notice(f"{now:%Y%m%d}{90_000_001 + len(self._notices)}", topic, headline, body, now)
        if topic not in self.unwanted:
            self._notices.append(notice)
        return notice

    def latest(
        self, most: int, before: str = "", *, topics: Collection[str] = (), but: Collection[str] = ()
    ) -> Sequence[Notice]:
        """Newest first; `before` an id, of some topics or without some."""
        rows = self._notices[::-1]
        if before:
            ids = [row.id for row in rows]
            rows = rows[ids.index(before) + 1 :] if before in ids else []
        return [row for row in rows if (not topics or row.topic in topics) and row.topic not in but][:most]

    def mark_read(self, notice_id: str) -> bool:
        """False where there is none of that id."""
        for place, row in enumerate(self._notices):
            if row.id == notice_id:
                self._notices[place] = replace(row, read=True)
                return True
        return False
