"""Summary, positions and P&L: two subscriptions an account, one a position, and a question on demand."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal

import ib_async

from ibkr_bridge.domain.account import AccountFigure, AccountSummary, Pnl, Position
from ibkr_bridge.domain.errors import BrokerAway
from ibkr_bridge.ports.upstream import Listener, PnlChanged, PositionChanged, PositionsComplete
from ibkr_bridge.upstream.pacing import Lane
from ibkr_bridge.upstream.tws import translate
from ibkr_bridge.upstream.tws.codes import Code
from ibkr_bridge.upstream.tws.numbers import decimal
from ibkr_bridge.upstream.tws.wire import Wire

TAGS = (
    "AccountType,NetLiquidation,TotalCashValue,SettledCash,AccruedCash,BuyingPower,EquityWithLoanValue,"
    "GrossPositionValue,RegTEquity,RegTMargin,SMA,InitMarginReq,MaintMarginReq,AvailableFunds,ExcessLiquidity,"
    "Cushion,FullInitMarginReq,FullMaintMarginReq,FullAvailableFunds,FullExcessLiquidity,LookAheadNextChange,"
    "LookAheadInitMarginReq,LookAheadMaintMarginReq,LookAheadAvailableFunds,LookAheadExcessLiquidity,"
    "HighestSeverity,DayTradesRemaining,Leverage"
)
"""TWS API, "Account Summary"."""
MOST_VALUED = 100
"""Positions that are valued live; further ones show quantity and cost alone."""


class Accounts:
    def __init__(self, wire: Wire, emit: Listener) -> None:
        self._wire = wire
        self._emit = emit
        self._asking = asyncio.Lock()
        self._pnl_accounts: dict[int, str] = {}
        self._valued: dict[int, tuple[str, int]] = {}
        self._positions: dict[tuple[str, int], Position] = {}
        self._told: set[tuple[str, int]] = set()
        self._to_value: asyncio.Queue[tuple[str, int]] = asyncio.Queue()

    async def summary(self, account: str) -> AccountSummary:
        """One question at a time: IBKR allows two summary subscriptions (message 322)."""
        async with self._asking:
            client = await self._wire.turn(Lane.DATA)
            number = client.getReqId()
            with self._wire.requests.open(number, "the account summary") as request:
                client.reqAccountSummary(number, "All", TAGS)
                try:
                    rows = await request.all(self._wire.settings.request_timeout)
                finally:
                    await self._end_summary(number)
        figures = {tag: AccountFigure(value, currency, name) for name, tag, value, currency in rows if name == account}
        return AccountSummary(account, figures)

    async def restore(self, accounts: tuple[str, ...]) -> None:
        """Subscribe on a new connection, or after IBKR lost what we had."""
        self._pnl_accounts.clear()
        self._valued.clear()
        self._told.clear()
        (await self._wire.turn(Lane.SESSION)).reqPositions()
        for account in accounts:
            client = await self._wire.turn(Lane.SESSION)
            number = client.getReqId()
            self._pnl_accounts[number] = account
            client.reqPnL(number, account, "")

    async def run(self) -> None:
        """Ask for the live value of each position as it appears, until cancelled."""
        while True:
            key = await self._to_value.get()
            if key in self._valued.values() or len(self._valued) >= MOST_VALUED:
                continue
            try:
                client = await self._wire.turn(Lane.DATA)
            except BrokerAway:
                continue  # a new connection tells every position again
            number = client.getReqId()
            self._valued[number] = key
            client.reqPnLSingle(number, key[0], "", key[1])

    def summary_row(self, number: int, account: str, tag: str, value: str, currency: str) -> None:
        self._wire.requests.add(number, (account, tag, value, currency))

    def summary_end(self, number: int) -> None:
        self._wire.requests.finish(number)

    def position(self, account: str, contract: ib_async.Contract, qty: float, cost: float) -> None:
        key = (account, contract.conId)
        held = decimal(qty) or Decimal(0)
        known = self._positions.get(key)
        fresh = Position(account, translate.contract(contract), held, decimal(cost) or Decimal(0))
        if known is not None and known.qty == held:
            fresh = replace(known, contract=fresh.contract, avg_cost=fresh.avg_cost)
        self._told.add(key)
        self._tell(key, fresh)
        self._to_value.put_nowait(key)

    def position_end(self) -> None:
        """What this connection did not name is flat, whatever an earlier one said."""
        for key in set(self._positions) - self._told:
            self._tell(key, replace(self._positions[key], qty=Decimal(0)))
        self._emit(PositionsComplete())

    def pnl(self, number: int, daily: float, unrealized: float, realized: float) -> None:
        account = self._pnl_accounts.get(number)
        if account is not None:
            figures = (decimal(figure) for figure in (daily, unrealized, realized))
            self._emit(PnlChanged(Pnl(account, *figures)))

    def pnl_single(self, number: int, qty: int, daily: float, unrealized: float, realized: float, value: float) -> None:
        key = self._valued.get(number)
        known = self._positions.get(key) if key else None
        if key is None or known is None:
            return
        worth = decimal(value)
        shares = (decimal(qty) or Decimal(0)) * (known.contract.multiplier or 1)
        self._tell(
            key,
            replace(
                known,
                market_value=worth,
                market_price=None if worth is None or not shares else decimal(float(round(worth / shares, 6))),
                daily_pnl=decimal(daily),
                unrealized_pnl=decimal(unrealized),
                realized_pnl=decimal(realized),
            ),
        )

    def message(self, number: int, _code: Code, _text: str) -> bool:
        return self._pnl_accounts.pop(number, None) is not None or self._valued.pop(number, None) is not None

    def _tell(self, key: tuple[str, int], position: Position) -> None:
        if self._positions.get(key) != position:
            self._positions[key] = position
            self._emit(PositionChanged(position))

    async def _end_summary(self, number: int) -> None:
        try:
            (await self._wire.turn(Lane.SESSION)).cancelAccountSummary(number)
        except BrokerAway:
            return  # the subscription went with the connection
