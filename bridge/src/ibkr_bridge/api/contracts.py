"""Contracts in answers, and a caller's words for one."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from ibkr_bridge.domain.contract import Contract, ContractQuery, Leg
from ibkr_bridge.domain.errors import InvalidRequest
from ibkr_bridge.domain.local_symbols import option_name
from ibkr_bridge.domain.terms import Side

_PAIR = re.compile(r"([A-Z]{3})\.([A-Z]{3})")
STOCK = "STK"
PAIR = "CASH"
OPTION = "OPT"
SMART = "SMART"
PAIRS_EXCHANGE = "IDEALPRO"
US_DOLLAR = "USD"


@dataclass(frozen=True, slots=True)
class LegAnswer:
    """A part of a combo: what is done with it when the combo is bought, and how many of it for one combo."""

    conid: int
    symbol: str
    sec_type: str
    local_symbol: str
    side: Side
    ratio: int


@dataclass(frozen=True, slots=True)
class ContractAnswer:
    """A contract; `conid` is IBKR's number for it, which all combos of a currency share. Only those have `legs`."""

    conid: int
    symbol: str
    sec_type: str
    exchange: str
    currency: str
    primary_exchange: str
    local_symbol: str
    legs: tuple[LegAnswer, ...] | None


@dataclass(frozen=True, slots=True)
class Words:
    """What a caller said of the contract meant; None where nothing was said."""

    symbol: str | None = None
    conid: int | None = None
    sec_type: str | None = None
    exchange: str | None = None
    currency: str | None = None
    primary_exchange: str | None = None
    local_symbol: str | None = None

    def query(self) -> ContractQuery:
        """A stock in US dollars on SMART unless said otherwise; `EUR.USD` is the currency pair on IDEALPRO.

        Upper and lower case are one: IBKR's names of kinds, exchanges and currencies have no lower case. Symbols go
        as they were given, because some local symbols have (`VODl`); the doors know what to make of them.
        Raises InvalidRequest when nothing names a contract.
        """
        return replace(
            self,
            sec_type=_upper(self.sec_type),
            exchange=_upper(self.exchange),
            currency=_upper(self.currency),
            primary_exchange=_upper(self.primary_exchange),
        )._query()

    def _query(self) -> ContractQuery:
        if self.conid is not None:
            return self._by_conid(self.conid)
        if not self.symbol and not self.local_symbol:
            raise InvalidRequest("Name the contract: symbol, local_symbol or conid.", field="symbol")
        pair = _PAIR.fullmatch((self.symbol or "").upper()) if self.sec_type in (None, PAIR) else None
        return self._pair(*pair.groups()) if pair else self._plain()

    def _by_conid(self, conid: int) -> ContractQuery:
        """The conid decides; the other words go along as they are, and nothing is put in their place."""
        return ContractQuery(
            conid=conid,
            symbol=self.symbol or "",
            sec_type=self.sec_type or "",
            exchange=self.exchange or "",
            currency=self.currency or "",
            primary_exchange=self.primary_exchange or "",
            local_symbol=self.local_symbol or "",
        )

    def _pair(self, base: str, counter: str) -> ContractQuery:
        if self.currency not in (None, counter):
            raise InvalidRequest(f"{self.symbol} is in {counter}, not {self.currency}.", field="currency")
        exchange = PAIRS_EXCHANGE if self.exchange in (None, SMART) else self.exchange
        return ContractQuery(symbol=base, sec_type=PAIR, exchange=exchange or "", currency=counter)

    def _plain(self) -> ContractQuery:
        sec_type = self.sec_type or STOCK
        exchange = self.exchange or (PAIRS_EXCHANGE if sec_type == PAIR else SMART)
        return ContractQuery(
            symbol=self.symbol or "",
            sec_type=sec_type,
            exchange=exchange,
            currency=self.currency or US_DOLLAR,
            primary_exchange=self.primary_exchange or "",
            local_symbol=_local(self.local_symbol or "", sec_type),
        )


def _upper(word: str | None) -> str | None:
    return None if word is None else word.upper()


def _local(text: str, sec_type: str) -> str:
    """An option's with as many blanks as IBKR has in it."""
    option = option_name(text) if sec_type == OPTION else None
    return text if option is None else str(option)


def contract_answer(contract: Contract) -> ContractAnswer:
    return ContractAnswer(
        conid=contract.conid,
        symbol=contract.symbol,
        sec_type=contract.sec_type,
        exchange=contract.exchange,
        currency=contract.currency,
        primary_exchange=contract.primary_exchange,
        local_symbol=contract.local_symbol,
        legs=tuple(_leg(leg) for leg in contract.legs) or None,
    )


def _leg(leg: Leg) -> LegAnswer:
    traded = leg.contract
    return LegAnswer(traded.conid, traded.symbol, traded.sec_type, traded.local_symbol, leg.side, leg.ratio)


EXAMPLE = ContractAnswer(265598, "AAPL", STOCK, SMART, US_DOLLAR, "NASDAQ", "AAPL", None)
