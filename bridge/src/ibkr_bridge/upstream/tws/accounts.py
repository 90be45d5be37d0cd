"""Summary, positions and P&L: two subscriptions an account, one a position, and a question on demand."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import ib_async
from ib_async.client import Client

from ibkr_bridge.domain.account import AccountFigure, AccountSummary, Pnl, Position
from ibkr_bridge.domain.errors import BrokerAway, BrokerBusy, BrokerSilent
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
Key = tuple[str, int]
"""An account and a conid."""
_POSITIONS = "positions"
_PATIENCE = 3.0
"""Seconds until an answer with every position is given up."""
_SETTLING = timedelta(seconds=1)
"""How long TWS may take from an execution until it has the position, where it has not told of the change by itself."""


class Accounts:
    def __init__(self, wire: Wire, now: Callable[[], datetime], emit: Listener) -> None:
        self._wire = wire
        self._now = now
        self._emit = emit
        self._asking = asyncio.Lock()
        self._pnl_accounts: dict[int, str] = {}
        self._valued: dict[int, Key] = {}
        self._positions: dict[Key, Position] = {}
        self._told: set[Key] = set()
        """Since every position was last told."""
        self._asked: deque[datetime] = deque()
        """Of each answer that is still to come, the moment up to which it shows what was executed."""
        self._looking = asyncio.Lock()
        self._refused: set[Key] = set()
        """Positions that IBKR would not value, until they change."""
        self._moved = asyncio.Event()

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
        self._refused.clear()
        async with self._looking:  # an answer that is still coming is not to be taken for this one
            client = await self._wire.turn(Lane.SESSION, patient=True)
            self._told.clear()
            self._asked.clear()
            self._ask(client)
        for account in accounts:
            client = await self._wire.turn(Lane.SESSION, patient=True)
            number = client.getReqId()
            self._pnl_accounts[number] = account
            client.reqPnL(number, account, "")

    async def refresh(self) -> None:
        """Have every position told anew; no answer leaves those that TWS has told by itself."""
        async with self._looking:
            with suppress(BrokerBusy, BrokerSilent):
                client = await self._wire.turn(Lane.ORDERS)  # orders are judged by what is held
                with self._wire.requests.open(_POSITIONS, "the positions") as request:
                    self._ask(client)
                    await request.all(_PATIENCE)

    async def run(self) -> None:
        """Have what is held valued live, as far as IBKR's limit goes, and nothing else; until cancelled."""
        while True:
            await self._moved.wait()
            self._moved.clear()
            try:
                await self._value()
            except BrokerBusy:
                self._moved.set()
            except BrokerAway:
                continue  # a new connection tells every position again

    async def _value(self) -> None:
        """A subscription for each position that has none, once those of flat ones have ended."""
        while (number := self._flat()) is not None:
            client = await self._wire.turn(Lane.DATA)
            if self._valued.pop(number, None) is not None:
                client.cancelPnLSingle(number)
        while (key := self._unvalued()) is not None:
            client = await self._wire.turn(Lane.DATA)
            number = client.getReqId()
            self._valued[number] = key
            client.reqPnLSingle(number, key[0], "", key[1])

    def _flat(self) -> int | None:
        return next((number for number, key in self._valued.items() if not self._positions[key].qty), None)

    def _unvalued(self) -> Key | None:
        done = {*self._valued.values(), *self._refused}
        held = (key for key, position in self._positions.items() if position.qty and key not in done)
        return next(held, None) if len(self._valued) < MOST_VALUED else None

    def _ask(self, client: Client) -> None:
        self._asked.append(self._now() - _SETTLING)
        client.reqPositions()

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
        self._refused.discard(key)
        self._tell(key, fresh)
        self._moved.set()

    def position_end(self) -> None:
        """What was not named is flat, whatever was said before."""
        if not self._asked:
            return
        for key in set(self._positions) - self._told:
            self._tell(key, replace(self._positions[key], qty=Decimal(0)))
        self._told.clear()
        self._moved.set()
        self._emit(PositionsComplete(self._asked.popleft()))
        self._wire.requests.finish(_POSITIONS)

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
        refused = self._valued.pop(number, None)
        if refused is not None:
            self._refused.add(refused)
        return refused is not None or self._pnl_accounts.pop(number, None) is not None

    def _tell(self, key: tuple[str, int], position: Position) -> None:
        if self._positions.get(key) != position:
            self._positions[key] = position
            self._emit(PositionChanged(position))

    async def _end_summary(self, number: int) -> None:
        try:
            (await self._wire.turn(Lane.SESSION)).cancelAccountSummary(number)
        except BrokerAway:
            return  # the subscription went with the connection
