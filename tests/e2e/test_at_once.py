"""Callers who ask for the same thing at the same time, or again: one order, one group, and no change is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import ib_async
import pytest

from ibkr_bridge.domain.events import Received
from ibkr_bridge.engine import mirror
from ibkr_bridge.engine.guarding.outlook import Outlook
from ibkr_bridge.ports.journal import Entry
from ibkr_bridge.storage.memory import MemoryJournal

LIMIT = {"symbol": "AAPL", "side": "BUY", "qty": 10, "type": "LIMIT", "limit": 100}


async def test_two_changes_at_once_are_both_obeyed(home: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    _status, order = await home.call("POST", "/orders", LIMIT)
    real, asked, answer = Outlook.market, asyncio.Event(), asyncio.Event()

    async def market(outlook: Outlook, *words: Any) -> Any:
        """Slow for the first who asks."""
        if not asked.is_set():
            asked.set()
            await answer.wait()
        return await real(outlook, *words)

    monkeypatch.setattr(Outlook, "market", market)
    path = f"/orders/{order['id']}"
    slow = asyncio.create_task(home.call("PATCH", path, {"limit": 101}))
    await asked.wait()
    assert (await home.call("PATCH", path, {"qty": 5}))[0] == 200
    answer.set()
    status, changed = await slow
    assert (status, changed["qty"], changed["limit"]) == (200, 5, 101)
    [theirs] = home.simulator.exchange.open_orders()
    assert (theirs.request.quantity, theirs.request.limit_price) == (5, 101)


async def test_a_group_twice_at_once_is_one_group(home: Any) -> None:
    group = {"orders": [{**LIMIT, "client_order_id": "named"}, {**LIMIT, "symbol": "MSFT"}]}
    answers = await asyncio.gather(*(home.call("POST", "/orders/oca", group) for _caller in range(3)))
    assert sorted(status for status, _told in answers) == [200, 200, 201]
    assert len({tuple(order["id"] for order in told["orders"]) for _status, told in answers}) == 1
    assert len(home.simulator.exchange.open_orders()) == 2


async def test_a_group_whose_nameless_order_differs_is_another_group(home: Any) -> None:
    group = [{**LIMIT, "client_order_id": "named"}, {**LIMIT, "symbol": "MSFT"}]
    assert (await home.call("POST", "/orders/oca", {"orders": group}))[0] == 201
    status, problem = await home.call("POST", "/orders/oca", {"orders": [group[0], {**group[1], "qty": 11}]})
    assert (status, problem["code"]) == (422, "order.id_reused")


async def test_our_numbers_go_past_those_of_every_order_that_tws_has_shown(home: Any) -> None:
    other = ib_async.IB()
    await other.connectAsync("127.0.0.1", home.simulator.tws_port, clientId=7)
    try:
        other.client.updateReqId(5000)
        contract = ib_async.Contract(conId=265598, exchange="SMART")
        other.placeOrder(contract, ib_async.LimitOrder("BUY", 1, 100, account=home.account))
        home.tap.cut()  # a new session looks at everything there is

        async def shown() -> Any:
            return (await home.call("GET", "/orders?foreign=true"))[1]["orders"]

        await home.until(shown)
        assert (await home.call("POST", "/orders", LIMIT))[0] == 201
    finally:
        other.disconnect()


async def test_minus_one_reaches_what_the_newest_page_does_not_show(home: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror, "_LISTED", 1)
    for _order in range(3):
        await home.call("POST", "/orders", LIMIT)
    assert (await home.call("DELETE", f"/iserver/account/{home.account}/order/-1"))[0] == 200

    async def none() -> bool:
        return not home.simulator.exchange.open_orders()

    await home.until(none)


class Late(MemoryJournal):
    """Says that it could not keep the first order, and has kept it all the same: a disk that hung in its commit."""

    hung = False

    async def append(self, entries: Sequence[Entry]) -> int:
        first = await super().append(entries)
        if not self.hung and any(isinstance(entry.event, Received) for entry in entries):
            self.hung = True
            raise OSError("the journal did not answer in time")
        return first


async def test_an_order_whose_intent_was_kept_too_late_is_placed_by_the_next_request(build: Any) -> None:
    async with build(journal=Late()) as home:
        order = {**LIMIT, "client_order_id": "mine"}
        status, problem = await home.call("POST", "/orders", order)
        assert (status, problem["code"]) == (503, "journal.unavailable")

        async def placed() -> Any:
            status, told = await home.call("POST", "/orders", order)
            return told if status == 201 else None

        placed_now = await home.until(placed)
        assert placed_now["status"] == "working"
        assert len(home.simulator.exchange.open_orders()) == 1


class Slow(MemoryJournal):
    """Keeps nothing until it may."""

    def __init__(self) -> None:
        super().__init__()
        self.may = asyncio.Event()
        self.may.set()

    async def append(self, entries: Sequence[Entry]) -> int:
        await self.may.wait()
        return await super().append(entries)


async def test_an_order_that_was_sent_after_a_reconnect_is_not_said_to_have_never_arrived(build: Any) -> None:
    journal, soon = Slow(), {"never_arrived_after": 0.5, "inquiry_interval": 0.2}
    async with build(journal=journal, first_word_timeout=1.0, tws_time_zone="America/New_York", **soon) as home:
        home.simulator.faults.inject("answer_lost", on="order")
        await home.call("GET", "/market/quote/AAPL")
        journal.may.clear()
        placing = asyncio.create_task(home.call("POST", "/orders", LIMIT))
        home.tap.cut()

        async def again() -> bool:
            return bool(home.tap.connections > 1)

        await home.until(again)
        await home.until_ready()
        journal.may.set()
        _status, order = await placing
        assert order["status"] == "unknown"
        await home.until_order(order["id"], "working")
