"""The kill switch and cancels, while orders are on their way: what has not left stays, what has left is cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from ibkr_bridge.engine.marketdata import MarketData
from ibkr_bridge.ports.journal import Entry
from ibkr_bridge.storage.memory import MemoryJournal
from ibkr_bridge.upstream.pacing import Lane, Pacer

MARKET = {"symbol": "AAPL", "side": "BUY", "qty": 10, "type": "MARKET"}
PLACING = "request:/iserver/account/*/orders"


class Gate:
    """While it is shut, no order gets a turn at IBKR, at either door."""

    def __init__(self) -> None:
        self._open, self._came = asyncio.Event(), asyncio.Event()
        self._open.set()

    def shut(self) -> None:
        self._open.clear()
        self._came.clear()

    def open(self) -> None:
        self._open.set()

    async def reached(self) -> None:
        await self._came.wait()

    async def passed(self, lane: Lane) -> None:
        if lane is Lane.ORDERS and not self._open.is_set():
            self._came.set()
            await self._open.wait()


class Disk(MemoryJournal):
    """A journal whose disk can be slow, full, or both."""

    def __init__(self) -> None:
        super().__init__()
        self.full = False
        self.awake, self.asked = asyncio.Event(), asyncio.Event()
        self.awake.set()

    async def append(self, entries: Sequence[Entry]) -> int:
        self.asked.set()
        await self.awake.wait()
        if self.full:
            raise OSError(28, "No space left on device")
        return await super().append(entries)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    gate, turn = Gate(), Pacer.turn

    async def gated(pacer: Pacer, lane: Lane) -> None:
        await gate.passed(lane)
        await turn(pacer, lane)

    monkeypatch.setattr(Pacer, "turn", gated)
    return gate


@pytest.fixture(params=["tws", "webapi"])
async def either(request: pytest.FixtureRequest, build: Callable[..., Any]) -> AsyncIterator[Any]:
    async with build(door=request.param) as home:
        yield home


@pytest.fixture
async def web(build: Callable[..., Any]) -> AsyncIterator[Any]:
    async with build(door="webapi") as home:
        yield home


async def resting(home: Any, symbol: str = "AAPL") -> dict[str, Any]:
    """An order that IBKR takes without a question and that does not fill."""
    _status, quote = await home.call("GET", f"/market/quote/{symbol}")
    return {"symbol": symbol, "side": "BUY", "qty": 10, "type": "LIMIT", "limit": round(quote["bid"] * 0.99, 2)}


async def bracket(home: Any) -> tuple[str, dict[str, Any]]:
    order = await resting(home)
    return "/orders", {**order, "take_profit": {"limit": round(order["limit"] * 1.5, 2)}}


async def group(home: Any) -> tuple[str, dict[str, Any]]:
    return "/orders/oca", {"orders": [await resting(home), await resting(home, "MSFT")]}


async def single(home: Any) -> tuple[str, dict[str, Any]]:
    return "/orders", await resting(home)


async def halted(home: Any) -> None:
    async def said() -> bool:
        return bool((await home.call("GET", "/readyz"))[0] == 503)

    await home.until(said)


async def newest(home: Any) -> dict[str, Any]:
    async def known() -> Any:
        return next(iter((await home.call("GET", "/orders"))[1]["orders"]), None)

    return dict(await home.until(known))


@pytest.mark.parametrize("wish", [single, bracket, group])
async def test_an_order_that_waits_for_its_turn_when_trading_is_halted_is_denied_unsent(
    either: Any, gate: Gate, wish: Callable[[Any], Any]
) -> None:
    path, body = await wish(either)
    gate.shut()
    placing = asyncio.create_task(either.call("POST", path, body))
    await gate.reached()
    halting = asyncio.create_task(either.call("POST", "/admin/halt", {"cancel": True}))
    await halted(either)
    gate.open()
    status, problem = await placing
    assert (status, problem["code"]) == (422, "guard.halt")
    _status, report = await halting
    assert (report["cancelled"], report["remaining"]) == ([], [])
    _status, listed = await either.call("GET", "/orders")
    assert {order["status"] for order in listed["orders"]} == {"denied"}
    assert not either.simulator.exchange.open_orders()


async def test_what_was_denied_at_the_last_moment_leaves_its_id_free(either: Any, gate: Gate) -> None:
    body = {**await resting(either), "client_order_id": "mine"}
    gate.shut()
    placing = asyncio.create_task(either.call("POST", "/orders", body))
    await gate.reached()
    await either.call("POST", "/admin/halt", {})
    gate.open()
    assert (await placing)[0] == 422
    await either.call("POST", "/admin/resume", {})
    assert (await either.call("POST", "/orders", body))[0] == 201
    assert len(either.simulator.exchange.open_orders()) == 1


async def test_a_change_that_waits_for_its_turn_when_trading_is_halted_is_denied_unsent(
    either: Any, gate: Gate
) -> None:
    body = await resting(either)
    _status, order = await either.call("POST", "/orders", body)
    gate.shut()
    changing = asyncio.create_task(either.call("PATCH", f"/orders/{order['id']}", {"qty": 20}))
    await gate.reached()
    await either.call("POST", "/admin/halt", {})
    gate.open()
    status, problem = await changing
    assert (status, problem["code"]) == (422, "guard.halt")
    [theirs] = either.simulator.exchange.open_orders()
    assert theirs.request.quantity == 10


async def test_an_order_whose_caller_was_told_unknown_and_that_never_left_never_arrived(
    build: Callable[..., Any], gate: Gate
) -> None:
    async with build(first_word_timeout=0.2) as home:
        body = await resting(home)
        gate.shut()
        status, order = await home.call("POST", "/orders", body)
        assert (status, order["status"]) == (202, "unknown")
        await home.call("POST", "/admin/halt", {})
        gate.open()
        found = await home.until_order(order["id"], "never_arrived")
        assert "Trading is halted" in found["evidence"][-1]["text"]
        assert not home.simulator.exchange.open_orders()


async def test_while_reducing_an_order_is_judged_again_when_its_turn_comes(home: Any, gate: Gate) -> None:
    _status, order = await home.call("POST", "/orders", MARKET)
    await home.until_order(order["id"], "filled")

    async def held() -> bool:
        return bool((await home.call("GET", "/positions"))[1]["positions"])

    await home.until(held)
    gate.shut()
    more = asyncio.create_task(home.call("POST", "/orders", MARKET))
    less = asyncio.create_task(home.call("POST", "/orders", {**MARKET, "side": "SELL", "qty": 4}))
    await gate.reached()

    async def both_wait() -> bool:
        return len((await home.call("GET", "/orders"))[1]["orders"]) == 3

    await home.until(both_wait)
    await home.call("POST", "/admin/halt", {"mode": "reduce"})
    gate.open()
    assert (await more)[1]["code"] == "guard.halt"
    assert (await less)[0] == 201


@pytest.mark.parametrize("wish", [{"cancel": True}, {"flatten": True}])
async def test_an_order_inside_its_call_is_cancelled_once_ibkr_has_answered(web: Any, wish: dict[str, bool]) -> None:
    body = await resting(web)
    late = {"seconds": "0.5", "real": True}
    web.simulator.faults.inject("answer_late", on=PLACING, options=late, times=1)
    placing = asyncio.create_task(web.call("POST", "/orders", body))
    await newest(web)
    _status, report = await web.call("POST", "/admin/halt", wish)
    _status, order = await placing
    assert (report["cancelled"], report["remaining"]) == ([order["id"]], [])
    assert not web.simulator.exchange.open_orders()


async def test_an_order_of_which_nothing_was_heard_in_time_remains(web: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    halts = web.service.engine.halts
    monkeypatch.setattr(halts, "_settings", replace(halts._settings, cancel_all_timeout=0.5))
    body = await resting(web)
    late = {"seconds": "3", "real": True}
    web.simulator.faults.inject("answer_late", on=PLACING, options=late, times=1)
    placing = asyncio.create_task(web.call("POST", "/orders", body))
    order = await newest(web)
    _status, report = await web.call("POST", "/admin/halt", {"cancel": True})
    assert report["cancelled"] == []
    assert [failure["what"] for failure in report["remaining"]] == [order["id"]]
    await placing


async def test_an_order_whose_intent_is_never_kept_does_not_remain(build: Callable[..., Any]) -> None:
    disk = Disk()
    async with build(journal=disk) as home:
        body = await resting(home)
        disk.awake.clear()
        disk.asked.clear()
        placing = asyncio.create_task(home.call("POST", "/orders", body))
        await disk.asked.wait()
        halting = asyncio.create_task(home.call("POST", "/admin/halt", {"cancel": True}))
        await halted(home)
        disk.full = True
        disk.awake.set()
        assert (await placing)[1]["code"] == "journal.unavailable"
        _status, report = await halting
        assert (report["cancelled"], report["remaining"]) == ([], [])


async def test_a_cancel_of_an_order_that_waits_for_its_turn_waits_with_it(either: Any, gate: Gate) -> None:
    body = await resting(either)
    gate.shut()
    placing = asyncio.create_task(either.call("POST", "/orders", body))
    await gate.reached()
    order = await newest(either)
    cancelling = asyncio.create_task(either.call("DELETE", f"/orders/{order['id']}"))
    gate.open()
    status, cancelled = await cancelling
    assert (status, cancelled["status"]) == (200, "cancelled")
    assert (await placing)[0] == 201
    assert not either.simulator.exchange.open_orders()


@pytest.mark.parametrize("door", ["tws", "webapi"])
async def test_a_cancel_that_could_not_be_sent_says_that_it_may_be_tried_again(
    build: Callable[..., Any], gate: Gate, door: str
) -> None:
    async with build(door=door, first_word_timeout=0.3) as home:
        body = await resting(home)
        gate.shut()
        placing = asyncio.create_task(home.call("POST", "/orders", body))
        await gate.reached()
        order = await newest(home)
        status, problem = await home.call("DELETE", f"/orders/{order['id']}")
        assert (status, problem["code"], problem["retryable"]) == (409, "order.not_heard_of", True)
        gate.open()
        await placing
        await home.until_order(order["id"], "working")
        assert (await home.call("DELETE", f"/orders/{order['id']}"))[0] in {200, 202}
        await home.until_order(order["id"], "cancelled")


@pytest.fixture
def market(monkeypatch: pytest.MonkeyPatch) -> tuple[asyncio.Event, asyncio.Event]:
    """Somebody asks for a quote; and quotes come."""
    asked, answered, quote = asyncio.Event(), asyncio.Event(), MarketData.quote
    answered.set()

    async def late(marketdata: MarketData, query: Any) -> Any:
        asked.set()
        await answered.wait()
        return await quote(marketdata, query)

    monkeypatch.setattr(MarketData, "quote", late)
    return asked, answered


@pytest.fixture
async def closing(home: Any, market: tuple[asyncio.Event, asyncio.Event]) -> asyncio.Task[tuple[int, Any]]:
    """A flatten that waits for the quote at which it closes."""
    asked, answered = market
    _status, order = await home.call("POST", "/orders", MARKET)
    await home.until_order(order["id"], "filled")

    async def held() -> bool:
        return bool((await home.call("GET", "/positions"))[1]["positions"])

    await home.until(held)
    answered.clear()
    asked.clear()
    flattening = asyncio.create_task(home.call("POST", "/admin/halt", {"flatten": True}))
    await asked.wait()
    return flattening


async def closed(home: Any, report: dict[str, Any]) -> None:
    assert report["not_flattened"] == []
    [order_id] = report["flattening"]
    await home.until_order(order_id, "filled")
    assert [position.quantity for position in home.simulator.exchange.positions(home.account)] == [0]


async def test_a_second_press_does_not_undo_a_flatten(
    home: Any, market: tuple[asyncio.Event, asyncio.Event], closing: asyncio.Task[tuple[int, Any]]
) -> None:
    assert (await home.call("POST", "/admin/halt", {}))[1]["state"] == "halted"
    market[1].set()
    _status, report = await closing
    await closed(home, report)
    assert report["state"] == "halted"


async def test_a_flatten_does_not_undo_a_resume_nor_a_resume_a_flatten(
    home: Any, market: tuple[asyncio.Event, asyncio.Event], closing: asyncio.Task[tuple[int, Any]]
) -> None:
    assert (await home.call("POST", "/admin/resume", {}))[1]["state"] == "active"
    market[1].set()
    _status, report = await closing
    await closed(home, report)
    assert report["state"] == "active"
    assert (await home.call("POST", "/orders", await resting(home)))[0] == 201


async def test_nothing_else_passes_while_positions_are_closed(
    home: Any, market: tuple[asyncio.Event, asyncio.Event], closing: asyncio.Task[tuple[int, Any]]
) -> None:
    status, problem = await home.call("POST", "/orders", {**MARKET, "side": "SELL", "qty": 4})
    assert (status, problem["code"]) == (422, "guard.halt")
    market[1].set()
    await closed(home, (await closing)[1])


async def asked_about(home: Any) -> dict[str, Any]:
    await home.call("GET", "/market/quote/AAPL")
    status, order = await home.call("POST", "/orders", MARKET)
    assert (status, order["status"]) == (202, "awaiting_answer")
    return dict(order)


async def test_on_a_full_disk_an_order_that_ibkr_asks_about_is_cancelled_at_once(build: Callable[..., Any]) -> None:
    disk = Disk()
    async with build(door="webapi", journal=disk) as home:
        one, other = await asked_about(home), await asked_about(home)
        disk.full = True
        status, cancelled = await home.call("DELETE", f"/orders/{one['id']}")
        assert (status, cancelled["status"]) == (200, "cancelled")
        _status, report = await home.call("POST", "/admin/halt", {"cancel": True})
        assert (report["cancelled"], report["remaining"]) == ([other["id"]], [])
        disk.full = False

        async def made_up_for() -> bool:
            kept = [await disk.order(order["id"]) for order in (one, other)]
            return all(order is not None and order.status == "cancelled" for order in kept)

        await home.until(made_up_for)
        assert not home.service.ended.done()
