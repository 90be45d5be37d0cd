"""A caller's words for a stretch of the past, read."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ibkr_bridge.domain.bars import What
from ibkr_bridge.domain.errors import InvalidRequest

_IBKR: Final = re.compile(r"(\d{8})(?:(-|  ?)(\d{2}:\d{2}:\d{2})(?: ([A-Za-z0-9_+/-]{1,40}))?)?", re.ASCII)
_OTHER_KINDS: Final = {"LAST": What.TRADES, "MID": What.MIDPOINT}


def moment(text: str | None, field: str) -> datetime | None:
    """RFC 3339, a date, or IBKR's `20260302-14:30:00` (UTC) and `20260302 09:30:00 US/Eastern`. Raises InvalidRequest.

    What names no zone is in UTC.
    """
    if not text:
        return None
    try:
        match = _IBKR.fullmatch(text.strip())
        found = datetime.fromisoformat(text.strip()) if match is None else _as_ibkr(*match.groups())
        return found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError, OSError, ZoneInfoNotFoundError):
        raise InvalidRequest(
            f"{text[:60]!r} is no time.",
            field=field,
            advice=f"Write {field} as 2026-03-02T14:30:00Z, 2026-03-02, or 20260302-14:30:00 (all in UTC).",
        ) from None


def kind(text: str | None) -> What | None:
    """Raises InvalidRequest."""
    if not text:
        return None
    word = text.strip().upper().replace("-", "_").replace(" ", "_")
    try:
        return _OTHER_KINDS.get(word) or What(word)
    except ValueError:
        known = ", ".join(What)
        raise InvalidRequest(f"There are no bars of {text[:40]!r}.", field="what", advice=f"One of {known}.") from None


def _as_ibkr(day: str, _separator: str | None, clock: str | None, zone: str | None) -> datetime:
    found = datetime.strptime(f"{day} {clock or '00:00:00'}", "%Y%m%d %H:%M:%S")  # noqa: DTZ007  the next line
    return found.replace(tzinfo=ZoneInfo(zone) if zone else UTC)
