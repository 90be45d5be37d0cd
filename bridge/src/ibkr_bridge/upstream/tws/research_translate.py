"""Between ib_async's objects and our words, for what is looked up. Pure: values in, values out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final
from xml.etree import ElementTree as Xml

import ib_async

from ibkr_bridge.ports.research import Headline, Listing, ScanParameters, ScanRow, ScanWord, Tick
from ibkr_bridge.upstream.tws.numbers import decimal

_META: Final = re.compile(r"^\{[^}]*\}!?")
"""What some providers put before a headline: `{A:800015:L:en}`."""


def moment(at: datetime | None) -> str:
    """`20260302-15:00:00`, in UTC; empty for none."""
    return "" if at is None else f"{at.astimezone(UTC):%Y%m%d-%H:%M:%S}"


def news_moment(at: datetime | None) -> str:
    return "" if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S.0}"


def listing(theirs: ib_async.ContractDescription) -> Listing:
    contract = theirs.contract or ib_async.Contract()
    return Listing(
        conid=contract.conId,
        symbol=contract.symbol,
        sec_type=contract.secType,
        currency=contract.currency,
        primary_exchange=contract.primaryExchange,
        name=getattr(contract, "description", "") or "",
        derivatives=tuple(theirs.derivativeSecTypes),
    )


def trade(tick: ib_async.HistoricalTickLast) -> Tick:
    return Tick(
        tick.time.astimezone(UTC),
        price=decimal(tick.price),
        size=decimal(tick.size),
        exchange=tick.exchange or None,
        conditions=tick.specialConditions.strip() or None,
    )


def quote(tick: ib_async.HistoricalTickBidAsk) -> Tick:
    return Tick(
        tick.time.astimezone(UTC),
        bid=decimal(tick.priceBid),
        bid_size=decimal(tick.sizeBid),
        ask=decimal(tick.priceAsk),
        ask_size=decimal(tick.sizeAsk),
    )


def midpoint(tick: ib_async.HistoricalTick) -> Tick:
    return Tick(tick.time.astimezone(UTC), price=decimal(tick.price))


def scanned(rank: int, details: ib_async.ContractDetails, distance: str) -> ScanRow:
    """IBKR counts from 0; a scan of stocks tells no figure."""
    contract = details.contract or ib_async.Contract()
    row = Listing(contract.conId, contract.symbol, contract.secType, contract.currency, "", details.longName)
    return ScanRow(rank + 1, row, distance or None)


def headline(at: str, provider: str, article: str, text: str) -> Headline:
    told = datetime.strptime(at.partition(".")[0], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    return Headline(told, provider, article, _META.sub("", text))


def scan_parameters(text: str) -> ScanParameters:
    root = Xml.fromstring(text)  # noqa: S314  the gateway's own words, and the parser bounds what entities may grow to
    return ScanParameters(
        instruments=tuple(_words(root, "InstrumentList/Instrument", "type", "name")),
        locations=tuple(_words(root, ".//Location", "locationCode", "displayName")),
        scans=tuple(_words(root, "ScanTypeList/ScanType", "scanCode", "displayName")),
        filters=tuple(_words(root, "FilterList//AbstractField", "code", "displayName")),
    )


def _words(root: Xml.Element, path: str, code: str, title: str) -> Iterator[ScanWord]:
    for row in root.iterfind(path):
        name = row.findtext(code)
        if name:
            yield ScanWord(name, row.findtext(title) or "")
