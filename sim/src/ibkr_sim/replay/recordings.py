"""Makes recordings of rows: quotes (bid, ask), trades (price, size) or bars (open, high, low, close, volume)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final

from ibkr_sim.exchange.prices.recording import Recording
from ibkr_sim.replay.files import Row, rows

_TIMES: Final = ("time", "timestamp", "datetime", "date")
_NAMES: Final = ("conid", "symbol")
_BAR: Final = ("open", "high", "low", "close")
_MINUTE: Final = timedelta(minutes=1)
_SECONDS_UNTIL: Final = 10**11
"""A number of a time above this counts milliseconds."""


def read(paths: Iterable[Path]) -> Sequence[Recording]:
    """One for each contract, named by a column `symbol` or `conid`, else by the file's name.

    Times are ISO 8601 (UTC unless they say otherwise) or seconds or milliseconds since 1970, and rise. Raises OSError
    and ValueError.
    """
    found: dict[str, Recording] = {}
    for path in paths:
        for number, row in enumerate(_timed(path), 2):
            at, length, values = row
            name = next((_text(values, key) for key in _NAMES if _text(values, key)), path.stem)
            try:
                _add(found.setdefault(name, Recording(name)), at, length, values)
            except (ValueError, InvalidOperation) as error:
                raise ValueError(f"{path}, row {number}: {error}") from error
    return [recording for recording in found.values() if recording.times]


def _timed(path: Path) -> Iterable[tuple[datetime, timedelta, Row]]:
    """Rows with their time and how long it is until the next one of other time; bars last so long."""
    length, before = _MINUTE, list[tuple[datetime, Row]]()
    for number, row in enumerate(rows(path), 2):
        try:
            at = _moment(row)
        except ValueError as error:
            raise ValueError(f"{path}, row {number}: {error}") from error
        if before and at > before[-1][0]:
            length = min(at - before[-1][0], timedelta(days=1))
            yield from ((then, length, kept) for then, kept in before)
            before = []
        before.append((at, row))
    yield from ((then, length, kept) for then, kept in before)


def _add(recording: Recording, at: datetime, length: timedelta, row: Row) -> None:
    if all(_text(row, name) for name in _BAR):
        opened, high, low, close = (_number(row, name) for name in _BAR)
        recording.bar(at, length, (opened, high, low, close), _optional(row, "volume") or Decimal(0))
        return
    if _text(row, "bid") and _text(row, "ask"):
        sizes = _optional(row, "bid_size"), _optional(row, "ask_size")
        recording.quote(at, _number(row, "bid"), _number(row, "ask"), *sizes)
    if _text(row, "price"):
        recording.trade(at, _number(row, "price"), _optional(row, "size") or Decimal(0))
    elif not _text(row, "bid"):
        raise ValueError("a row needs bid and ask, price and size, or open, high, low and close")


def _moment(row: Row) -> datetime:
    value = next((row[name] for name in _TIMES if row.get(name) not in (None, "")), None)
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    text = str(value or "").strip()
    if text.replace(".", "", 1).isdecimal():
        number = float(text)
        return datetime.fromtimestamp(number / 1000 if number > _SECONDS_UNTIL else number, UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"no time in {' '.join(_TIMES)}: {text!r}") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _text(row: Row, name: str) -> str:
    value = row.get(name)
    return "" if value is None else str(value).strip()


def _number(row: Row, name: str) -> Decimal:
    value = Decimal(_text(row, name))
    if not value.is_finite():
        raise ValueError(f"{name} is no number")
    return value


def _optional(row: Row, name: str) -> Decimal | None:
    return _number(row, name) if _text(row, name) else None
