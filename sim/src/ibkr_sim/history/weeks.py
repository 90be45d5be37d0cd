"""Bars of weeks and months: what the trading days in them add up to, and nothing of the nights between."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from ibkr_sim.exchange.listing.hours import Days, local_date
from ibkr_sim.exchange.model import Contract
from ibkr_sim.exchange.prices.bars import Bar
from ibkr_sim.exchange.prices.ticks import Source
from ibkr_sim.history.combinations import Past
from ibkr_sim.history.intervals import Interval, bounds


def joined_bars(
    contract: Contract, record: Past, source: Source, spans: Sequence[Interval], calendar: Days, *, outside_rth: bool
) -> list[Bar]:
    """One for each span, which reaches from the opening of its first day to the end of its last."""
    found = (record.bars(source, _days(contract, span, calendar, outside_rth=outside_rth)) for span in spans)
    return [_joined(days) for days in found if days]


def _days(contract: Contract, span: Interval, calendar: Days, *, outside_rth: bool) -> list[Interval]:
    start, end = span
    first = local_date(contract, start)
    count = (local_date(contract, end - timedelta(seconds=1)) - first).days + 1
    sessions = (calendar(contract, first + timedelta(days=day)) for day in range(count))
    days = (bounds(session, outside_rth=outside_rth) for session in sessions if session is not None)
    return [(max(opens, start), min(closes, end)) for opens, closes in days if opens < end]


def _joined(days: Sequence[Bar]) -> Bar:
    volume = sum((day.volume for day in days), Decimal(0))
    value = sum((day.volume * day.average for day in days), Decimal(0))
    close = days[-1].close
    return Bar(
        start=days[0].start,
        open=days[0].open,
        high=max(day.high for day in days),
        low=min(day.low for day in days),
        close=close,
        volume=volume,
        average=(value / volume).quantize(days[0].average) if volume else close,
        count=sum(day.count for day in days),
    )
