"""From a caller's words to one contract: asked once, remembered, never guessed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from ibkr_bridge.domain.combos import combine
from ibkr_bridge.domain.contract import Contract, ContractQuery, Leg
from ibkr_bridge.domain.errors import AmbiguousContract, InvalidRequest, UnknownContract
from ibkr_bridge.domain.terms import Condition
from ibkr_bridge.ports.upstream import Upstream

_MOST_PLACES: Final = 20


class Contracts:
    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._known: dict[ContractQuery, Contract] = {}
        self._asking: dict[ContractQuery, asyncio.Task[Sequence[Contract]]] = {}

    async def resolve(self, query: ContractQuery) -> Contract:
        """Raises UnknownContract, AmbiguousContract, InvalidRequest, BrokerAway, BrokerSilent."""
        if query.legs:
            return await self._combo(query)
        known = self._known.get(query)
        if known is not None:
            return known
        candidates = await self._ask(query)
        if not candidates:
            raise await self._unknown(query)
        if len(candidates) > 1:
            raise AmbiguousContract(str(query), candidates)
        self._known[query] = _as_asked(candidates[0], query)
        return candidates[0]

    async def condition(self, item: Condition) -> Condition:
        """With the conid of the contract that its words name, where it looks at one. Raises as `resolve`."""
        if item.conid or not item.of_a_contract:
            return item
        query = ContractQuery(symbol=item.symbol, sec_type=item.sec_type, exchange=item.exchange)
        return replace(item, conid=(await self.resolve(query)).conid)

    async def _combo(self, query: ContractQuery) -> Contract:
        found = await asyncio.gather(*(self.resolve(leg.contract) for leg in query.legs))
        legs = [Leg(contract, leg.side, leg.ratio) for contract, leg in zip(found, query.legs, strict=True)]
        return combine(legs, query.exchange)

    async def close(self) -> None:
        for task in self._asking.values():
            task.cancel()
        await asyncio.gather(*self._asking.values(), return_exceptions=True)

    async def _ask(self, query: ContractQuery) -> Sequence[Contract]:
        """One question upstream, however many callers wait for it."""
        task = self._asking.get(query)
        if task is None:
            task = asyncio.create_task(self._upstream_contracts(query), name=f"contracts {query}")
            self._asking[query] = task
            task.add_done_callback(lambda done: self._answered(query, done))
        return await asyncio.shield(task)

    async def _upstream_contracts(self, query: ContractQuery) -> Sequence[Contract]:
        return await self._upstream.contracts(query)

    def _answered(self, query: ContractQuery, done: asyncio.Task[Sequence[Contract]]) -> None:
        self._asking.pop(query, None)
        if not done.cancelled():
            done.exception()  # told to whoever still waits; when nobody does, it is nobody's

    async def _unknown(self, query: ContractQuery) -> UnknownContract:
        """A symbol that trades in another currency deserves a hint, not just a no."""
        advice = "Check the spelling, the exchange, the currency and sec_type."
        if query.sec_type == "OPT" and not query.local_symbol:
            advice = f"Name one option by conid or local_symbol; GET /market/options/{query.symbol} lists them."
        if query.symbol and query.currency:
            elsewhere = await self._ask(replace(query, currency="", exchange="", primary_exchange=""))
            advice = _hint(query, elsewhere) or advice
        return UnknownContract(f"IBKR knows no contract {query}.", advice=advice)


def _hint(query: ContractQuery, elsewhere: Sequence[Contract]) -> str:
    """Which word was wrong, told by what there is without it; empty where there is nothing."""
    listed = {(contract.currency, contract.primary_exchange or contract.exchange) for contract in elsewhere}
    same = sorted(exchange for currency, exchange in listed if currency == query.currency)
    places = sorted(f"{currency} ({exchange})" for currency, exchange in listed)
    if same:
        named = query.primary_exchange or query.exchange
        own = ", ".join(same[:_MOST_PLACES])
        return f"{named} is not an exchange of {query.symbol} in {query.currency}: leave it out, or name {own}."
    return f"{query.symbol} trades in {', '.join(places[:_MOST_PLACES])}: name that currency." if places else ""


def _as_asked(found: Contract, query: ContractQuery) -> Contract:
    """A conid decides alone; whoever names a symbol with it must mean the same thing."""
    if query.conid and query.symbol and query.symbol.upper() != found.symbol.upper():
        raise InvalidRequest(f"conid {query.conid} is {found.symbol}, not {query.symbol}.", field="conid")
    return found
