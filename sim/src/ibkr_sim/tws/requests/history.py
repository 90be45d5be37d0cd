"""Requests for the past: bars, ticks, histograms, and for bars as they come."""

from __future__ import annotations

from dataclasses import dataclass

from ibkr_sim.exchange.terms import ComboLeg
from ibkr_sim.tws.fields import FieldReader
from ibkr_sim.tws.requests.contracts import ContractQuery, contract_query, expirable_query
from ibkr_sim.tws.requests.marketdata import combo_legs


@dataclass(frozen=True, slots=True)
class HistoricalData:
    """Texts as the client wrote them; `format_date` 2 asks for seconds since 1970. `legs` of a combination."""

    request_id: int
    contract: ContractQuery
    end: str
    bar_size: str
    duration: str
    use_rth: bool
    what: str
    format_date: int
    keep_up_to_date: bool
    legs: tuple[ComboLeg, ...] = ()


@dataclass(frozen=True, slots=True)
class HeadTimestamp:
    request_id: int
    contract: ContractQuery
    use_rth: bool
    what: str
    format_date: int


@dataclass(frozen=True, slots=True)
class Histogram:
    request_id: int
    contract: ContractQuery
    use_rth: bool
    period: str


@dataclass(frozen=True, slots=True)
class HistoricalTicks:
    """Either `start` or `end` is given."""

    request_id: int
    contract: ContractQuery
    start: str
    end: str
    most: int
    what: str
    use_rth: bool
    ignore_size: bool


@dataclass(frozen=True, slots=True)
class RealTimeBars:
    """`bar_size` in seconds."""

    request_id: int
    contract: ContractQuery
    bar_size: int
    what: str
    use_rth: bool


def historical_data(fields: FieldReader) -> HistoricalData:
    request_id, contract = fields.integer(), expirable_query(fields)
    end, bar_size, duration, use_rth = fields.text(), fields.text(), fields.text(), fields.flag()
    what, format_date = fields.text(), fields.integer()
    legs = combo_legs(fields, contract)
    return HistoricalData(
        request_id, contract, end, bar_size, duration, use_rth, what.upper(), format_date, fields.flag(), legs
    )


def head_timestamp(fields: FieldReader) -> HeadTimestamp:
    request_id, contract = fields.integer(), expirable_query(fields)
    return HeadTimestamp(request_id, contract, fields.flag(), fields.text().upper(), fields.integer())


def histogram(fields: FieldReader) -> Histogram:
    request_id, contract = fields.integer(), expirable_query(fields)
    return Histogram(request_id, contract, fields.flag(), fields.text())


def historical_ticks(fields: FieldReader) -> HistoricalTicks:
    request_id, contract = fields.integer(), expirable_query(fields)
    start, end, most, what = fields.text(), fields.text(), fields.integer(), fields.text().upper()
    return HistoricalTicks(request_id, contract, start, end, most, what, fields.flag(), fields.flag())


def real_time_bars(fields: FieldReader) -> RealTimeBars:
    fields.skip(1)
    request_id, contract = fields.integer(), contract_query(fields)
    return RealTimeBars(request_id, contract, fields.integer(), fields.text().upper(), fields.flag())
