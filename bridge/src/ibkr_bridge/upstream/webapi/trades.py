"""Executions and their commissions: each told once, however often IBKR repeats them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import structlog

from ibkr_bridge.domain.errors import BrokerRefused, BrokerSilent
from ibkr_bridge.domain.events import Executed
from ibkr_bridge.ports.clock import Clock
from ibkr_bridge.ports.upstream import Listener
from ibkr_bridge.upstream.pacing import Lane
from ibkr_bridge.upstream.webapi import translate
from ibkr_bridge.upstream.webapi.contracts import Contracts
from ibkr_bridge.upstream.webapi.socket import Message
from ibkr_bridge.upstream.webapi.translate import Row
from ibkr_bridge.upstream.webapi.wire import Wire

log = structlog.get_logger()
_TRADES: Final = "/iserver/account/trades"
_DAYS: Final = {"days": "1"}
_LOOKS: Final = 2


class Trades:
    def __init__(
        self, wire: Wire, clock: Clock, emit: Listener, contracts: Contracts, references: Mapping[int, str]
    ) -> None:
        self._wire = wire
        self._clock = clock
        self._emit = emit
        self._contracts = contracts
        self._references = references
        self._told: set[str] = set()
        self._charged: set[str] = set()
        self._listed = False
        self._rows: asyncio.Queue[Row] = asyncio.Queue()
        self.filled = asyncio.Event()
        """Set with each new execution."""

    def forget(self) -> None:
        """A new session tells everything anew, and its first list is empty."""
        self._told.clear()
        self._charged.clear()
        self._listed = False

    async def today(self, scope: Mapping[str, str]) -> tuple[list[Executed], bool]:
        """What was traded, and whether that is all; a first list that is empty is asked for again."""
        found: list[Row] = []
        for _look in range(_LOOKS):
            try:
                first, self._listed = not self._listed, True
                found = await self._read(scope)
            except (BrokerSilent, BrokerRefused) as problem:
                log.info("trades were not listed", code=problem.code, detail=problem.detail)
                return [], False
            if found or not first:
                break
        executions = [event for event in [await self._executed(row) for row in found] if event is not None]
        for row in found:
            self._charge(row)
        return executions, True

    def hear(self, message: Message) -> None:
        """A frame of the topic `str`; the whole day comes again and again."""
        for row in translate.rows(message.get("args")):
            self._rows.put_nowait(row)

    async def run(self) -> None:
        """Tell what the stream tells, once, until cancelled."""
        while True:
            row = await self._rows.get()
            name = str(row.get("execution_id"))
            if name not in self._told and (event := await self._executed(row)) is not None:
                self._told.add(name)
                self._emit(event)
                self.filled.set()
            self._charge(row)

    async def _executed(self, row: Row) -> Executed | None:
        number = translate.order_id(row)
        reference = str(row.get("order_ref") or self._references.get(number, ""))
        contract = await self._contracts.named(translate.integer(row.get("conid")))
        return translate.executed(row, contract, reference, self._clock.now())

    def _charge(self, row: Row) -> None:
        """IBKR does not say the currency: a commission is charged in the contract's."""
        name = str(row.get("execution_id"))
        contract = self._contracts.known(translate.integer(row.get("conid")))
        event = translate.commissioned(row, contract.currency if contract else "", self._clock.now())
        if event is not None and name not in self._charged:
            self._charged.add(name)
            self._emit(event)

    async def _read(self, scope: Mapping[str, str]) -> list[Any]:
        return translate.rows(await self._wire.read(_TRADES, {**_DAYS, **scope}, Lane.ORDERS))
