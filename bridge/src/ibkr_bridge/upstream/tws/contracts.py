"""Contract details: every contract that fits a description."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import ib_async

from ibkr_bridge.domain.contract import Contract, ContractQuery
from ibkr_bridge.domain.errors import BrokerRefused
from ibkr_bridge.upstream.pacing import Lane
from ibkr_bridge.upstream.tws import translate
from ibkr_bridge.upstream.tws.wire import Wire

_NO_CONTRACT = 200


class Contracts:
    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def find(self, query: ContractQuery) -> Sequence[Contract]:
        """TWS tells upper case from lower: what was found under no such name may be there in capitals."""
        capitals = replace(query, symbol=query.symbol.upper(), local_symbol=query.local_symbol.upper())
        found = await self._told(query)
        return found if found or capitals == query or query.conid else await self._told(capitals)

    async def _told(self, query: ContractQuery) -> Sequence[Contract]:
        client = await self._wire.turn(Lane.DATA)
        number = client.getReqId()
        with self._wire.requests.open(number, f"the contract {query}") as request:
            client.reqContractDetails(number, translate.contract_query(query))
            try:
                found = await request.all(self._wire.settings.request_timeout)
            except BrokerRefused as refused:
                if refused.ibkr_code == _NO_CONTRACT:
                    return ()
                raise
        return [_routed(details, query) for details in found]

    def details(self, number: int, details: ib_async.ContractDetails) -> None:
        self._wire.requests.add(number, details)

    def end(self, number: int) -> None:
        self._wire.requests.finish(number)


def _routed(details: ib_async.ContractDetails, query: ContractQuery) -> Contract:
    """A conid names a listing; orders and quotes for it go by SMART where IBKR offers that."""
    found = translate.contract(details.contract or ib_async.Contract(), details)
    if query.conid and "SMART" in details.validExchanges.split(","):
        return replace(found, exchange="SMART")
    return found
