"""Which contract a path and its query mean."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Query

from ibkr_bridge.api.contracts import Words
from ibkr_bridge.api.text import NAME, PRINTABLE
from ibkr_bridge.domain.contract import ContractQuery

Symbol = Annotated[
    str, Path(max_length=32, pattern=PRINTABLE, description="AAPL; EUR.USD for a currency pair.", examples=["AAPL"])
]
Exchange = Annotated[
    str | None, Query(max_length=16, pattern=NAME, description="Default SMART; IDEALPRO for a currency pair.")
]
Currency = Annotated[str | None, Query(max_length=16, pattern=NAME, description="Default USD.")]
SecType = Annotated[
    str | None, Query(max_length=16, pattern=NAME, description="Default STK: STK, CASH, FUT, IND, CFD ...")
]
PrimaryExchange = Annotated[
    str | None, Query(max_length=16, pattern=NAME, description="Tells listings of one symbol apart.")
]
LocalSymbol = Annotated[
    str | None,
    Query(
        max_length=32,
        pattern=PRINTABLE,
        description="The exchange's own name of an option or a future.",
        examples=["AAPL  261218C00260000", "ESZ6"],
    ),
]
Conid = Annotated[int | None, Query(gt=0, lt=2**31, description="IBKR's number; decides over every other word.")]


async def _named(
    symbol: Symbol,
    exchange: Exchange = None,
    currency: Currency = None,
    sec_type: SecType = None,
    primary_exchange: PrimaryExchange = None,
    local_symbol: LocalSymbol = None,
    conid: Conid = None,
) -> Words:
    return Words(symbol, conid, sec_type, exchange, currency, primary_exchange, local_symbol)


Named = Annotated[Words, Depends(_named)]


async def _meant(named: Named) -> ContractQuery:
    return named.query()


Meant = Annotated[ContractQuery, Depends(_meant)]
