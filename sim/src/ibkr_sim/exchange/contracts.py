"""Contracts by conid and by what a client happens to know of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from ibkr_sim.exchange.catalogue import PAIRS, SHARES, Pair, Share
from ibkr_sim.exchange.model import Contract

VENUES = {
    "USD": ("SMART", "AMEX", "NYSE", "CBOE", "PHLX", "ISE", "CHX", "ARCA", "NASDAQ", "BEX", "BATS", "IEX", "EDGX"),
    "CHF": ("SMART", "EBS"),
    "MXN": ("SMART", "MEXI"),
}
TIME_ZONES = {"USD": "US/Eastern", "CHF": "MET", "MXN": "America/Mexico_City"}


class Contracts:
    """Every contract of the exchange, in a fixed order."""

    def __init__(self) -> None:
        rows = [(_stock(row), Decimal(row.reference)) for row in SHARES]
        rows += [(_currency_pair(row), Decimal(row.reference)) for row in PAIRS]
        self._by_conid = {contract.conid: contract for contract, _ in rows}
        self._references = {contract.conid: reference for contract, reference in rows}

    def __iter__(self) -> Iterator[Contract]:
        return iter(self._by_conid.values())

    def get(self, conid: int) -> Contract | None:
        return self._by_conid.get(conid)

    def reference(self, conid: int) -> Decimal:
        """The price around which the contract trades; also its close before the first day."""
        return self._references[conid]

    def find(self, *, conid: int = 0, exchange: str = "", **criteria: str | int) -> Sequence[Contract]:
        """Contracts on which every criterion that is not empty holds; `criteria` are Contract's own fields."""
        if conid:
            criteria["conid"] = conid
        return [
            contract
            for contract in self
            if _trades_at(contract, exchange)
            and all(getattr(contract, name) == value for name, value in criteria.items() if value)
        ]


def _trades_at(contract: Contract, exchange: str) -> bool:
    # A currency pair has no smart routing, yet clients name SMART when all they know is the conid.
    return exchange in ("", "SMART") or exchange in contract.valid_exchanges


def _stock(row: Share) -> Contract:
    industry, category, subcategory = (*row.sector.split("/"), "", "", "")[:3]
    return Contract(
        conid=row.conid,
        symbol=row.symbol,
        sec_type="STK",
        currency=row.currency,
        primary_exchange=row.primary_exchange,
        local_symbol=row.symbol,
        trading_class="NMS" if row.primary_exchange == "NASDAQ" else row.symbol,
        long_name=row.long_name,
        min_tick=Decimal(row.min_tick),
        valid_exchanges=VENUES[row.currency],
        time_zone=TIME_ZONES[row.currency],
        industry=industry,
        category=category,
        subcategory=subcategory,
        stock_type=row.stock_type,
        isin=row.isin,
    )


def _currency_pair(row: Pair) -> Contract:
    name = f"{row.base}.{row.quote}"
    return Contract(
        conid=row.conid,
        symbol=row.base,
        sec_type="CASH",
        currency=row.quote,
        primary_exchange="IDEALPRO",
        local_symbol=name,
        trading_class=name,
        long_name=row.long_name,
        min_tick=Decimal(row.min_tick),
        valid_exchanges=("IDEALPRO",),
        time_zone="US/Eastern",
    )
