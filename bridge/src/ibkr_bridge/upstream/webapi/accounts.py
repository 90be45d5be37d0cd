"""Summary, positions and P&L: asked at intervals and after each fill, and P&L from the stream."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

import structlog

from ibkr_bridge.domain.account import AccountFigure, AccountSummary, Pnl, Position
from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.domain.errors import BridgeError, BrokerRefused
from ibkr_bridge.ports.clock import Clock
from ibkr_bridge.ports.upstream import Listener, PnlChanged, PositionChanged, PositionsComplete
from ibkr_bridge.upstream.pacing import Lane
from ibkr_bridge.upstream.webapi import translate
from ibkr_bridge.upstream.webapi.contracts import Contracts
from ibkr_bridge.upstream.webapi.socket import Message, Say
from ibkr_bridge.upstream.webapi.translate import Row
from ibkr_bridge.upstream.webapi.wire import Wire

log = structlog.get_logger()
TAGS: Final = (
    "AccountType",
    "NetLiquidation",
    "TotalCashValue",
    "SettledCash",
    "AccruedCash",
    "AccruedDividend",
    "BuyingPower",
    "EquityWithLoanValue",
    "PreviousDayEquityWithLoanValue",
    "GrossPositionValue",
    "RegTEquity",
    "RegTMargin",
    "SMA",
    "InitMarginReq",
    "MaintMarginReq",
    "AvailableFunds",
    "ExcessLiquidity",
    "Cushion",
    "FullInitMarginReq",
    "FullMaintMarginReq",
    "FullAvailableFunds",
    "FullExcessLiquidity",
    "LookAheadNextChange",
    "LookAheadInitMarginReq",
    "LookAheadMaintMarginReq",
    "LookAheadAvailableFunds",
    "LookAheadExcessLiquidity",
    "HighestSeverity",
    "DayTradesRemaining",
    "Leverage",
)
"""The names at IBKR's other door; this one writes them in small letters."""
_NAMES: Final = {tag.lower(): tag for tag in TAGS} | {"leverage-s": "Leverage"}
_MOST_PAGES: Final = 50
_SETTLING: Final = 0.4
"""Seconds from a fill until the positions show it."""
_PAUSE: Final = 0.5
"""Seconds from a fill until the positions are asked for: a little more than that."""
_LEDGER: Final = 10.0
"""Seconds between two questions about realized profit."""


class Accounts:
    def __init__(
        self, wire: Wire, clock: Clock, emit: Listener, say: Say, contracts: Contracts, filled: asyncio.Event
    ) -> None:
        """`filled` is set with each new execution."""
        self._wire = wire
        self._clock = clock
        self._emit = emit
        self._say = say
        self._contracts = contracts
        self._filled = filled
        self._positions: dict[tuple[str, int], Position] = {}
        self._realized: dict[str, Decimal | None] = {}
        self._pnl_heard = clock.monotonic()
        self._fresh = True
        """Whether positions have not been asked for in this session yet."""
        self._ledger_at = 0.0
        self._polling = asyncio.Lock()
        self._paged = False
        """Whether the newer list of positions is not there."""

    async def summary(self, account: str) -> AccountSummary:
        told = translate.mapping(await self._wire.read(f"/portfolio/{account}/summary"))
        figures = {
            _NAMES[key]: AccountFigure(_figure(row), str(row.get("currency") or ""), account)
            for key, row in told.items()
            if key in _NAMES and isinstance(row, dict) and not row.get("isNull")
        }
        settled = await self._ledger(account)
        if "SettledCash" not in figures and settled is not None:
            figures["SettledCash"] = settled
        return AccountSummary(account, figures)

    def forget(self) -> None:
        """A new session."""
        self._fresh, self._ledger_at = True, 0.0
        self._filled.set()

    async def subscribe(self) -> None:
        self._pnl_heard = self._clock.monotonic()
        await self._say("spl+{}")

    async def run(self) -> None:
        """Ask for positions at intervals and soon after each fill, until cancelled."""
        while True:
            if self._wire.open:
                try:
                    async with self._polling:
                        await self._poll()
                except BridgeError as problem:
                    log.info("positions could not be asked for", code=problem.code, detail=problem.detail)
            await self._rest()

    async def refresh(self) -> None:
        """Ask for positions now, once those show what has just filled."""
        await self._clock.sleep(_PAUSE)
        async with self._polling:
            await self._poll()

    def hear(self, message: Message) -> None:
        """A frame of the topic `spl`: profit and loss by account, `DU1.Core`."""
        self._pnl_heard = self._clock.monotonic()
        self._partitioned(translate.mapping(message.get("args")))

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(self._wire.settings.positions_interval):
                await self._filled.wait()
        except TimeoutError:
            return
        self._filled.clear()  # what fills from here on is asked for once more
        if not self._fresh:
            await self._clock.sleep(_PAUSE)

    async def _poll(self) -> None:
        """Every position of every account; what is not told any more is flat."""
        if self._fresh:  # nothing of the portfolio is told before
            await self._wire.read("/portfolio/accounts", lane=Lane.ORDERS)
        shows = self._clock.now() - timedelta(seconds=_SETTLING)
        told: dict[tuple[str, int], Position] = {}
        for account in self._shown:
            for position in await self._held(account):
                told[account, position.contract.conid] = position
        self._fresh = False
        for key in self._positions.keys() - told.keys():
            if self._positions[key].qty:
                self._tell(key, replace(self._positions[key], qty=Decimal(0)))
        for key, position in told.items():
            self._tell(key, position)
        self._emit(PositionsComplete(shows))
        await self._profits()

    async def _profits(self) -> None:
        now = self._clock.monotonic()
        if now - self._ledger_at > _LEDGER:
            self._ledger_at = now
            for account in self._shown:
                await self._ledger(account)
        if now - self._pnl_heard > self._wire.settings.pnl_silence:
            told = translate.mapping(await self._wire.read("/iserver/account/pnl/partitioned", lane=Lane.ORDERS))
            self._partitioned(translate.mapping(told.get("upnl")))

    @property
    def _shown(self) -> tuple[str, ...]:
        pinned = self._wire.settings.account
        return self._wire.accounts if pinned is None else (pinned,)

    def _tell(self, key: tuple[str, int], position: Position) -> None:
        if self._positions.get(key) != position:
            self._positions[key] = position
            self._emit(PositionChanged(position))

    async def _held(self, account: str) -> list[Position]:
        """The newer list is not cached; where it is missing the older one is read page by page.

        It goes with the orders, because they are judged by what is held.
        """
        rows: list[dict[str, Any]] = []
        if not self._paged:
            try:
                rows = translate.rows(await self._wire.read(f"/portfolio2/{account}/positions", lane=Lane.ORDERS))
                if not rows and self._fresh:  # a first answer may be empty whatever is held
                    await self._clock.sleep(self._wire.settings.step)
                    rows = translate.rows(await self._wire.read(f"/portfolio2/{account}/positions", lane=Lane.ORDERS))
            except BrokerRefused as refused:
                if refused.ibkr_code != 404:
                    raise
                self._paged = True
        if self._paged:
            rows = await self._pages(account)
        return [position for position in (self._position(account, row) for row in rows) if position is not None]

    async def _pages(self, account: str) -> list[dict[str, Any]]:
        """IBKR keeps count of pages only where a sort is named, and shows the last one again past the end."""
        if self._fresh:
            await self._wire.read(f"/portfolio/{account}/positions/0", {"sort": "name"})  # names are missing at first
        found: dict[int, dict[str, Any]] = {}
        for page in range(_MOST_PAGES):
            rows = translate.rows(await self._wire.read(f"/portfolio/{account}/positions/{page}", {"sort": "name"}))
            fresh = {translate.integer(row.get("conid")): row for row in rows}
            if not fresh.keys() - found.keys():
                break
            found |= fresh
        return list(found.values())

    def _position(self, account: str, row: Row) -> Position | None:
        conid, qty = translate.integer(row.get("conid")), translate.decimal(row.get("position"))
        if not conid or qty is None:
            return None
        return Position(
            account=account,
            contract=self._contracts.known(conid) or _contract(conid, row),
            qty=qty,
            avg_cost=translate.decimal(row.get("avgCost")) or Decimal(0),
            market_price=translate.decimal(row.get("marketPrice", row.get("mktPrice"))),
            market_value=translate.decimal(row.get("marketValue", row.get("mktValue"))),
            unrealized_pnl=translate.decimal(row.get("unrealizedPnl")),
            realized_pnl=translate.decimal(row.get("realizedPnl")),
        )

    async def _ledger(self, account: str) -> AccountFigure | None:
        """Settled cash and realized profit of the account, which no other answer has."""
        ledger = await self._wire.read(f"/portfolio/{account}/ledger", lane=Lane.ORDERS)  # positions wait for it
        told = translate.mapping(translate.mapping(ledger).get("BASE"))
        self._realized[account] = translate.decimal(told.get("realizedpnl"))
        settled = translate.decimal(told.get("settledcash"))
        return None if settled is None else AccountFigure(format(settled, "f"), "BASE", account)

    def _partitioned(self, told: dict[str, Any]) -> None:
        for name, row in told.items():
            account, _dot, part = name.rpartition(".")
            if part == "Core" and isinstance(row, dict) and account in self._wire.accounts:
                daily, unrealized = translate.decimal(row.get("dpl")), translate.decimal(row.get("upl"))
                self._emit(PnlChanged(Pnl(account, daily, unrealized, self._realized.get(account))))


def _figure(row: Row) -> str:
    """Money is in `amount`, words are in `value`, and either may be copied into the other."""
    amount, value = translate.decimal(row.get("amount")), row.get("value")
    if value is None or (amount and row.get("currency")):
        return format(amount or Decimal(0), "f")
    return str(value)


def _contract(conid: int, row: Row) -> Contract:
    kind = str(row.get("assetClass") or row.get("secType") or "")
    symbol = str(row.get("ticker") or row.get("description") or row.get("contractDesc") or "").split(" ", maxsplit=1)[0]
    return Contract(
        conid=conid,
        symbol=symbol.partition(".")[0] if kind == "CASH" else symbol,
        sec_type=kind,
        exchange="IDEALPRO" if kind == "CASH" else "SMART",
        currency=str(row.get("currency") or ""),
        primary_exchange=str(row.get("listingExchange") or ""),
    )
