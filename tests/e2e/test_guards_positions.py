"""What is held, as the guards see it: each fill from the moment it is known, and every order that may still fill."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

import pytest

from ibkr_bridge.calendars.exchange import ExchangeCalendar
from ibkr_bridge.config.settings import GuardSettings
from ibkr_bridge.engine import accounts
from ibkr_bridge.engine.guarding import outlook
from ibkr_bridge.engine.marketdata import MarketData
from ibkr_bridge.ports.calendar import MarketHours
from ibkr_bridge.upstream.tws import accounts as tws_accounts
from ibkr_bridge.upstream.tws.orders import Orders
from tests.house import House

BUY = {"symbol": "AAPL", "side": "BUY", "qty": 100, "type": "MARKET"}
VALUE, NO_VALUE = "94", "95"
"""The messages that ask TWS for the value of a position, and for no more of it."""
Door = Literal["tws", "webapi"]
BOTH: list[Door] = ["tws", "webapi"]


def guarded(**limits: Any) -> GuardSettings:
    return GuardSettings.wide_open().model_copy(update=limits)


async def held(home: House) -> dict[str, float]:
    _status, told = await home.call("GET", "/positions")
    return {position["contract"]["symbol"]: position["qty"] for position in told["positions"]}


async def until_held(home: House, expected: dict[str, float]) -> None:
    async def look() -> bool:
        return await held(home) == expected

    await home.until(look)


async def code(home: House, wish: dict[str, Any]) -> str:
    status, told = await home.call("POST", "/orders", wish)
    return str(told["status"]) if status == 201 else str(told["code"])


async def traded(home: House, side: str, qty: int) -> str:
    """An order that fills at once, once it has; else the guard that stopped it."""
    _status, quote = await home.call("GET", "/market/quote/AAPL")
    limit = round(quote["ask"] * 1.01 if side == "BUY" else quote["bid"] * 0.99, 2)
    status, told = await home.call(
        "POST", "/orders", {**BUY, "side": side, "qty": qty, "type": "LIMIT", "limit": limit}
    )
    if status != 201:
        return str(told["code"])
    return str((await home.until_order(told["id"], "filled"))["status"])


class Late:
    """What TWS says is kept back, where it concerns these callbacks, until it is let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, part: type, *names: str) -> None:
        self._kept: list[Callable[[], None]] = []
        self.keeping = False
        for name in names:
            monkeypatch.setattr(part, name, self._late(getattr(part, name)))

    def _late(self, real: Callable[..., None]) -> Callable[..., None]:
        def told(*what: Any) -> None:
            if self.keeping:
                self._kept.append(lambda: real(*what))
            else:
                real(*what)

        return told

    def let_go(self) -> None:
        self.keeping = False
        for told in self._kept:
            told()
        self._kept.clear()

    def lose(self) -> None:
        """What was kept back is never told."""
        self.keeping = False
        self._kept.clear()


@pytest.mark.parametrize("door", BOTH)
async def test_a_fill_counts_before_its_position_is_told(
    build: Any, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = Late(monkeypatch, tws_accounts.Accounts, "position")
    async with build(door=door, guards=guarded(max_position=Decimal(200))) as home:
        await until_held(home, {})
        late.keeping = True
        assert [await traded(home, "BUY", 100) for _ in range(4)] == [
            "filled",
            "filled",
            "guard.position",
            "guard.position",
        ]
        late.let_go()
        await until_held(home, {"AAPL": 200})
        assert await traded(home, "BUY", 1) == "guard.position"
        assert await traded(home, "SELL", 150) == "filled"


@pytest.mark.parametrize("door", BOTH)
async def test_a_fill_and_its_position_are_not_counted_twice(build: Any, door: Door) -> None:
    async with build(door=door, guards=guarded(max_position=Decimal(200))) as home:
        for expected in (100.0, 200.0):
            assert await traded(home, "BUY", 100) == "filled"
            await until_held(home, {"AAPL": expected})


@pytest.mark.parametrize("door", BOTH)
async def test_what_is_sold_already_is_not_sold_again_while_trading_is_reduced(
    build: Any, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = Late(monkeypatch, tws_accounts.Accounts, "position")
    async with build(door=door) as home:
        assert await traded(home, "BUY", 100) == "filled"
        await until_held(home, {"AAPL": 100})
        await home.call("POST", "/admin/halt", {"mode": "reduce"})
        late.keeping = True
        assert await traded(home, "SELL", 60) == "filled"
        assert await traded(home, "SELL", 41) == "guard.halt"
        assert await traded(home, "SELL", 40) == "filled"
        assert await traded(home, "SELL", 1) == "guard.halt"


async def test_a_position_that_comes_before_its_fill_is_asked_for_once_more(
    build: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fill that is heard later seems to come on top, until every position has been told anew."""
    monkeypatch.setattr(tws_accounts, "_SETTLING", timedelta(0))
    monkeypatch.setattr(accounts, "_OVERDUE", timedelta(0))
    late = Late(monkeypatch, Orders, "execution", "status", "open_order")
    async with build(guards=guarded(max_position=Decimal(200)), first_word_timeout=0.2) as home:
        await until_held(home, {})
        late.keeping = True
        _status, order = await home.call("POST", "/orders", BUY)
        await until_held(home, {"AAPL": 100})
        late.let_go()
        await home.until_order(order["id"], "filled")
        assert await traded(home, "BUY", 100) == "filled"


async def test_positions_of_before_an_outage_are_not_taken_for_those_of_after_it(
    build: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outlook, "_PATIENCE", 0.5)
    monkeypatch.setattr(accounts, "_UNASKED", 0.1)
    late = Late(monkeypatch, tws_accounts.Accounts, "position", "position_end")
    async with build(guards=guarded(max_position=Decimal(200))) as home:
        assert await traded(home, "BUY", 100) == "filled"
        await until_held(home, {"AAPL": 100})
        late.keeping = True
        home.tap.cut()
        await home.until_ready(ready=False)
        await home.until_ready()
        status, problem = await home.call("POST", "/orders", BUY)
        assert (status, problem["code"]) == (422, "guard.position")
        assert "not told" in problem["detail"]
        assert (await held(home)) == {"AAPL": 100}
        late.lose()
        assert await traded(home, "BUY", 100) == "filled"


async def test_orders_in_other_contracts_count_towards_the_exposure(build: Any) -> None:
    below = {"side": "BUY", "qty": 100, "type": "LIMIT"}
    async with build(guards=guarded(max_exposure=Decimal(50_000), base_currency="USD")) as home:
        assert await code(home, {**below, "symbol": "AAPL", "limit": 200}) == "working"
        status, problem = await home.call("POST", "/orders", {**below, "symbol": "MSFT", "limit": 301})
        assert (status, problem["code"], problem["value"]) == (422, "guard.exposure", "50100.00")
        assert await code(home, {**below, "symbol": "MSFT", "limit": 300}) == "working"
        assert await code(home, {**below, "symbol": "TSLA", "qty": 1, "limit": 1}) == "guard.exposure"


async def test_orders_at_once_in_two_contracts_share_the_room_that_is_left(build: Any) -> None:
    below = {"side": "BUY", "qty": 100, "type": "LIMIT", "limit": 200}
    async with build(guards=guarded(max_exposure=Decimal(30_000), base_currency="USD")) as home:

        async def both(**wish: int) -> list[str]:
            wishes = [{**below, **wish, "symbol": symbol} for symbol in ("AAPL", "MSFT")]
            return sorted(await asyncio.gather(*(code(home, wish) for wish in wishes)))

        assert await both(qty=20) == ["working", "working"]
        assert await both() == ["guard.exposure", "working"]


async def test_a_bracket_counts_once_towards_the_exposure(build: Any) -> None:
    below = {"side": "BUY", "qty": 100, "type": "LIMIT", "limit": 200}
    async with build(guards=guarded(max_exposure=Decimal(40_000), base_currency="USD")) as home:
        bracket = {**below, "symbol": "AAPL", "take_profit": {"limit": 201}, "stop_loss": {"stop": 190}}
        assert await code(home, bracket) == "working"
        assert await code(home, {**below, "symbol": "MSFT", "qty": 50}) == "working"


async def test_an_order_to_sell_is_worth_what_the_market_pays_whatever_its_limit_says(build: Any) -> None:
    limited = GuardSettings(market_hours=False, price_collar_percent=Decimal(0), base_currency="USD")
    async with build(guards=limited) as home:
        cheap = {"symbol": "MSFT", "side": "SELL", "qty": 1000, "type": "LIMIT", "limit": 1}
        assert await code(home, cheap) == "guard.order_value"
        home.simulator.faults.inject("competing_session")
        assert await code(home, {**cheap, "symbol": "NVDA"}) == "guard.order_value"
        assert not home.simulator.exchange.open_orders()


async def test_a_slow_quote_does_not_open_a_closed_market(build: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_asked: object) -> None:
        await asyncio.Event().wait()

    async def closed(_calendar: ExchangeCalendar, exchange: str, at: datetime) -> MarketHours:
        morning = at + timedelta(hours=1)
        return MarketHours(exchange, "XNYS", "UTC", False, at, None, None, morning, morning + timedelta(hours=6))

    monkeypatch.setattr(outlook, "_PATIENCE", 0.05)
    monkeypatch.setattr(MarketData, "quote", never)
    monkeypatch.setattr(ExchangeCalendar, "hours", closed)
    async with build(guards=guarded(market_hours=True, price_collar_percent=Decimal(10))) as home:
        assert await code(home, BUY) == "guard.market_hours"
        monkeypatch.setattr(ExchangeCalendar, "hours", never)
        monkeypatch.setattr(outlook, "_CALENDAR", 0.05)
        status, problem = await home.call("POST", "/orders", BUY)
        assert (status, problem["code"], problem["value"]) == (422, "guard.market_hours", "unknown")


async def test_a_position_that_was_closed_makes_room_for_the_value_of_another(
    build: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tws_accounts, "MOST_VALUED", 1)
    async with build() as home:

        async def valued() -> list[str]:
            _status, told = await home.call("GET", "/positions")
            return [one["contract"]["symbol"] for one in told["positions"] if one["market_value"] is not None]

        async def until_valued(symbol: str) -> None:
            async def look() -> bool:
                return await valued() == [symbol]

            await home.until(look)

        await home.call("POST", "/orders", BUY)
        await until_valued("AAPL")
        await home.call("POST", "/orders", {**BUY, "symbol": "MSFT"})
        await until_held(home, {"AAPL": 100, "MSFT": 100})
        assert await valued() == ["AAPL"]
        await home.call("POST", "/orders", {**BUY, "side": "SELL"})
        await until_valued("MSFT")
        assert [said[0] for said in home.tap.said if said[0] in (VALUE, NO_VALUE)] == [VALUE, NO_VALUE, VALUE]
