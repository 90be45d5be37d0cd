"""Which contract a path and its query mean."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends

from ibkr_bridge.api.contracts import Words
from ibkr_bridge.api.rest.market.routes import Conid, Currency, Exchange, PrimaryExchange, SecType, Symbol
from ibkr_bridge.domain.contract import ContractQuery


async def _meant(
    symbol: Symbol,
    exchange: Exchange = None,
    currency: Currency = None,
    sec_type: SecType = None,
    primary_exchange: PrimaryExchange = None,
    conid: Conid = None,
) -> ContractQuery:
    return Words(symbol, conid, sec_type, exchange, currency, primary_exchange).query()


Meant = Annotated[ContractQuery, Depends(_meant)]
