"""Contracts: every one that fits a description, from IBKR's several directories."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from ibkr_bridge.domain.contract import Contract, ContractQuery
from ibkr_bridge.domain.errors import BridgeError, BrokerRefused
from ibkr_bridge.domain.local_symbols import FutureName, OptionName, future_name, option_name
from ibkr_bridge.upstream.webapi import errors, translate
from ibkr_bridge.upstream.webapi.translate import MONTHS, Row
from ibkr_bridge.upstream.webapi.wire import Wire

_MOST_AT_ONCE: Final = 200
_MOST_DESCRIBED: Final = 8
_PAIRS_EXCHANGE: Final = "IDEALPRO"
_SMART: Final = "SMART"
_OWN: Final = ("STK", "IND")
_BONDS: Final = "2147483647"
"""The row of all corporate bonds, which ends many a search."""
_IN_BRACKETS: Final = re.compile(r"\[([A-Z0-9.]{1,6} *\d{6}[CP]\d{8})\b")


class Contracts:
    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._known: dict[int, Contract] = {}

    def learn(self, contract: Contract) -> None:
        self._known.setdefault(contract.conid, contract)

    def known(self, conid: int) -> Contract | None:
        return self._known.get(conid)

    async def named(self, conid: int) -> Contract | None:
        """From memory, else asked; None where IBKR does not say."""
        if conid not in self._known:
            try:
                for contract in await self._defined([conid]):
                    self.learn(contract)
            except BridgeError:
                return None
        return self._known.get(conid)

    async def find(self, query: ContractQuery) -> Sequence[Contract]:
        conids = [query.conid] if query.conid else await self._candidates(query)
        found = [contract for contract in await self._defined(conids) if _fits(contract, query)]
        if len(found) <= _MOST_DESCRIBED:
            found = [await self._described(contract) for contract in found]
        found = [_routed(contract, query) for contract in found if _named(contract, query)]
        for contract in found:
            self.learn(contract)
        return found

    async def _candidates(self, query: ContractQuery) -> list[int]:
        symbol = (query.symbol or query.local_symbol).upper()
        match query.sec_type.upper():
            case "STK":
                told = await self._read("/trsrv/stocks", symbols=symbol)
                companies = translate.rows(translate.mapping(told).get(symbol))
                places = [place for company in companies for place in translate.rows(company.get("contracts"))]
                return _conids(places)
            case "CASH":
                return await self._pairs(symbol, query.currency.upper())
            case "FUT":
                return await self._futures(query)
            case "OPT" if (named := option_name(query.local_symbol)) is not None:
                return await self._option(query, named)
            case kind:
                rows = translate.rows(await self._read("/iserver/secdef/search", symbol=symbol, secType=kind))
                return _conids([row for row in rows if row.get("conid") != _BONDS])

    async def _futures(self, query: ContractQuery) -> list[int]:
        """By a symbol or by a local symbol, whose trading class IBKR takes for a symbol too."""
        named = future_name(query.local_symbol)
        symbol = (query.symbol or (named.root if named else query.local_symbol)).upper()
        rows = translate.rows(translate.mapping(await self._read("/trsrv/futures", symbols=symbol)).get(symbol))
        return _conids([row for row in rows if named is None or _near(row, named)])

    async def _option(self, query: ContractQuery, named: OptionName) -> list[int]:
        """Under the first underlying that lists it: IBKR tells options by underlying, month, strike and right."""
        for symbol in (query.symbol.upper(),) if query.symbol else _underlyings(named.root):
            month = f"{MONTHS[named.expiry.month - 1]}{named.expiry:%y}"
            for under in translate.rows(await self._read("/iserver/secdef/search", symbol=symbol)):
                listed = await self._listed(under, month, named) if _has_options(under, month) else []
                if listed:
                    return listed
        return []

    async def _listed(self, underlying: Row, month: str, named: OptionName) -> list[int]:
        told = await self._read(
            "/iserver/secdef/info",
            conid=str(underlying.get("conid")),
            sectype="OPT",
            month=month,
            exchange=_SMART,
            strike=f"{named.strike.normalize():f}",
            right=named.right,
        )
        of_class = (row for row in translate.rows(told) if row.get("tradingClass", named.root) == named.root)
        return _conids([row for row in of_class if translate.day(row.get("maturityDate")) == named.expiry])

    async def _pairs(self, symbol: str, currency: str) -> list[int]:
        """`EUR.USD`, or EUR in USD; without a currency every pair that begins with the symbol."""
        base, _dot, counter = symbol.partition(".")
        wanted = f"{base}.{counter or currency}"
        told = translate.mapping(await self._read("/iserver/currency/pairs", currency=counter or currency or base))
        rows = [row for listed in told.values() for row in translate.rows(listed)]
        return _conids([row for row in rows if str(row.get("symbol", "")).startswith(wanted)])

    async def _defined(self, conids: list[int]) -> list[Contract]:
        """With currency and exchange, which the directories leave out."""
        found: list[Contract] = []
        for start in range(0, len(conids), _MOST_AT_ONCE):
            batch = ",".join(str(conid) for conid in conids[start : start + _MOST_AT_ONCE])
            told = translate.mapping(await self._read("/trsrv/secdef", conids=batch))
            found += [_definition(row) for row in translate.rows(told.get("secdef")) if row.get("conid")]
        return found

    async def _described(self, contract: Contract) -> Contract:
        """Trading class and local symbol are told for one contract at a time."""
        told = translate.mapping(await self._read(f"/iserver/contract/{contract.conid}/info"))
        return replace(
            contract,
            local_symbol=_spaced(str(told.get("local_symbol") or contract.local_symbol)),
            trading_class=str(told.get("trading_class") or contract.trading_class),
            name=str(told.get("company_name") or contract.name),
            multiplier=translate.decimal(told.get("multiplier")) or contract.multiplier,
        )

    async def _read(self, path: str, **query: str) -> Any:
        """What IBKR does not know is an empty answer."""
        try:
            return await self._wire.read(path, query)
        except BrokerRefused as refused:
            if refused.ibkr_code in (400, 404, None):
                return None
            raise


def _conids(rows: list[dict[str, Any]]) -> list[int]:
    found = (translate.integer(row.get("conid")) for row in rows)
    return list(dict.fromkeys(conid for conid in found if conid > 0))


def _definition(row: Row) -> Contract:
    places = str(row.get("allExchanges") or "").split(",")
    kind = str(row.get("assetClass") or "")
    listing = str(row.get("listingExchange") or "")
    rules = translate.rows(row.get("incrementRules"))
    multiplier = translate.decimal(row.get("multiplier"))
    return Contract(
        conid=translate.integer(row.get("conid")),
        symbol=str(row.get("ticker") or "").partition(".")[0] if kind == "CASH" else str(row.get("ticker") or ""),
        sec_type=kind,
        exchange=_PAIRS_EXCHANGE if kind == "CASH" else _SMART if kind in ("STK", "OPT") else listing or places[0],
        currency=str(row.get("currency") or ""),
        primary_exchange=listing,
        local_symbol=_local_symbol(row),
        name=errors.plain(str(row.get("name") or "")),
        multiplier=multiplier or None,
        min_tick=translate.decimal(rules[0].get("increment")) if rules else None,
    )


def _local_symbol(row: Row) -> str:
    """A US option's stands inside its name: `SPX AUG2024 5555 P [SPX 240816P05555000 100]`."""
    name = str(row.get("fullName") or row.get("ticker") or "")
    inside = _IN_BRACKETS.search(name)
    return _spaced(inside[1]) if inside else name


def _spaced(text: str) -> str:
    """With all the blanks that a US option's has, where IBKR leaves some out."""
    option = option_name(text)
    return text if option is None else str(option)


def _has_options(underlying: Row, month: str) -> bool:
    options = (part for part in translate.rows(underlying.get("sections")) if part.get("secType") == "OPT")
    return any(month in str(part.get("months") or "").split(";") for part in options)


def _underlyings(root: str) -> tuple[str, ...]:
    """Classes of an index's weeklies (SPXW, NDXP) and of an adjusted stock (AAPL1) have one letter or digit more."""
    return tuple(dict.fromkeys((root, re.sub(r"(?<=..)[WP0-9]$", "", root))))


def _near(row: Row, named: FutureName) -> bool:
    """A contract may end in the month that names it, or in one of the two before."""
    ends = translate.day(row.get("expirationDate"))
    if ends is None:
        return False
    later = ((ends.year * 12 + ends.month - 1 + months) for months in (0, 1, 2))
    return any(month % 12 + 1 == named.month and named.means(month // 12) for month in later)


def _named(contract: Contract, query: ContractQuery) -> bool:
    """What was asked for by its local symbol has it. Stocks have been found by it."""
    if not query.local_symbol or query.conid or contract.sec_type not in ("OPT", "FUT"):
        return True
    return contract.local_symbol == _spaced(query.local_symbol.upper())


def _fits(contract: Contract, query: ContractQuery) -> bool:
    """An empty word means that the caller does not care; a conid says it all."""
    if query.conid:
        return True
    if contract.sec_type in _OWN and query.sec_type and contract.sec_type != query.sec_type.upper():
        return False  # a search for what is written on it may tell the thing itself
    if query.currency and contract.currency and contract.currency != query.currency.upper():
        return False
    if query.primary_exchange and contract.primary_exchange != query.primary_exchange.upper():
        return False
    if query.exchange in ("", _SMART, _PAIRS_EXCHANGE):
        return True
    return query.exchange.upper() in (contract.exchange, contract.primary_exchange)


def _routed(contract: Contract, query: ContractQuery) -> Contract:
    """Orders go by SMART unless another exchange was named."""
    if query.conid or query.exchange in ("", _SMART, _PAIRS_EXCHANGE):
        return contract
    return replace(contract, exchange=query.exchange.upper())
