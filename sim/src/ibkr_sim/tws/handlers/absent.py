"""What IBKR offers and this simulator does not: each request is refused in IBKR's words, under its own id."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from ibkr_sim.tws.answers.session import SYSTEM
from ibkr_sim.tws.fields import FieldReader
from ibkr_sim.tws.refusals import invalid
from ibkr_sim.tws.session import Session

_HISTORY: Final = "Historical Market Data Service error message:"
_FINANCIAL_ADVISOR: Final = (321, "FA data operations ignored for non FA customers.")


@dataclass(frozen=True, slots=True)
class Absent:
    """`id_at`: how many fields precede the request id; None for a request without one. `{id}` in the text is it."""

    id_at: int | None
    code: int
    text: str


def _not_here(name: str, id_at: int | None) -> Absent:
    return Absent(id_at, *invalid(f"{name} is not offered by this simulator"))


ABSENT: Final[Mapping[int, Absent]] = MappingProxyType(
    {
        10: Absent(1, 10092, "Deep market data is not supported for this combination of security type/exchange"),
        11: Absent(1, 310, "Can't find the subscribed market depth with tickerId:{id}"),
        18: Absent(None, *_FINANCIAL_ADVISOR),
        19: Absent(3, *_FINANCIAL_ADVISOR),
        20: Absent(0, 162, f"{_HISTORY}HMDS query returned no data"),
        21: _not_here("Exercising options", 1),
        22: Absent(0, 162, f"{_HISTORY}Scanner subscriptions are not offered by this simulator"),
        23: Absent(1, 365, "No scanner subscription found for ticker id:{id}"),
        24: _not_here("A list of scanner parameters", None),
        25: Absent(1, 366, "No historical data query found for ticker id:{id}"),
        50: Absent(1, 420, "Invalid Real-time Query:Real-time bars are not offered by this simulator"),
        51: Absent(1, 300, "Can't find EId with tickerId:{id}"),
        52: Absent(1, 430, "We are sorry, but fundamentals data for the security specified is not available."),
        53: Absent(1, 300, "Can't find EId with tickerId:{id}"),
        54: _not_here("The calculation of implied volatility", 1),
        55: _not_here("The calculation of option prices", 1),
        56: Absent(1, 300, "Can't find EId with tickerId:{id}"),
        57: Absent(1, 300, "Can't find EId with tickerId:{id}"),
        67: _not_here("A display group", 1),
        68: _not_here("A display group", 1),
        69: _not_here("A display group", 1),
        70: _not_here("A display group", 1),
        84: Absent(0, 10172, "Failed to request news article:not found"),
        86: Absent(0, 10276, "News feed is not allowed."),
        87: Absent(0, 162, f"{_HISTORY}No head time stamp"),
        88: Absent(0, 162, f"{_HISTORY}HMDS query returned no data"),
        89: Absent(0, 366, "No historical data query found for ticker id:{id}"),
        90: Absent(0, 366, "No historical data query found for ticker id:{id}"),
        96: Absent(0, 10187, "Failed to request historical ticks:No data"),
        97: Absent(0, 10189, "Failed to request tick-by-tick data.Not offered by this simulator"),
        98: Absent(0, 300, "Can't find EId with tickerId:{id}"),
        100: Absent(0, 10276, "News feed is not allowed."),
        101: Absent(0, 300, "Can't find EId with tickerId:{id}"),
        102: Absent(0, 10276, "News feed is not allowed."),
        103: Absent(0, 300, "Can't find EId with tickerId:{id}"),
    }
)


def refuse(absent: Absent) -> Callable[[Session, FieldReader], None]:
    def handle(session: Session, fields: FieldReader) -> None:
        request_id = SYSTEM
        if absent.id_at is not None:
            fields.skip(absent.id_at)
            request_id = fields.integer()
        session.outlet.error(request_id, absent.code, absent.text.replace("{id}", str(request_id)))

    return handle
