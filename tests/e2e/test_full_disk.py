"""The journal cannot be written: what is refused, what still works, and what is made up for afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ibkr_bridge.ports.journal import Entry
from ibkr_bridge.storage.memory import MemoryJournal

LIMIT = {"symbol": "AAPL", "side": "BUY", "qty": 10, "type": "LIMIT", "limit": 100, "client_order_id": "mine"}
MARKET = {"symbol": "AAPL", "side": "BUY", "qty": 10, "type": "MARKET"}


class Disk(MemoryJournal):
    """A journal whose disk can fill up."""

    def __init__(self) -> None:
        super().__init__()
        self.full = False

    async def append(self, entries: Sequence[Entry]) -> int:
        if self.full:
            raise OSError(28, "No space left on device")
        return await super().append(entries)


async def test_a_new_order_is_refused_unsent_and_its_id_stays_free(build: Any) -> None:
    disk = Disk()
    async with build(journal=disk) as home:
        disk.full = True
        status, problem = await home.call("POST", "/orders", LIMIT)
        assert (status, problem["code"]) == (503, "journal.unavailable")
        assert not home.simulator.exchange.open_orders()
        assert (await home.call("GET", "/readyz"))[0] == 503
        disk.full = False

        async def placed() -> bool:
            return bool((await home.call("POST", "/orders", LIMIT))[0] == 201)

        await home.until(placed)
        assert len(home.simulator.exchange.open_orders()) == 1


async def test_cancels_still_go_out_and_are_on_record_once_there_is_room(build: Any) -> None:
    disk = Disk()
    async with build(journal=disk) as home:
        _status, order = await home.call("POST", "/orders", LIMIT)
        disk.full = True
        status, cancelled = await home.call("DELETE", f"/orders/{order['id']}")
        assert (status, cancelled["status"]) == (200, "cancelled")
        assert not home.simulator.exchange.open_orders()
        kept = await disk.order(order["id"])
        assert kept is not None
        assert kept.status == "working"
        disk.full = False

        async def made_up_for() -> bool:
            kept = await disk.order(order["id"])
            return kept is not None and kept.status == "cancelled"

        await home.until(made_up_for)


async def test_a_yes_to_a_question_that_cannot_be_kept_sends_nothing_then_or_later(build: Any) -> None:
    disk = Disk()
    async with build(journal=disk, door="webapi", first_word_timeout=0.5) as home:
        await home.call("GET", "/market/quote/AAPL")
        _status, order = await home.call("POST", "/orders", MARKET)
        assert order["status"] == "awaiting_answer"
        disk.full = True
        path = f"/orders/{order['id']}"
        status, problem = await home.call("POST", f"{path}/answer", {"confirm": True})
        assert (status, problem["code"]) == (503, "journal.unavailable")
        disk.full = False

        async def written_again() -> bool:
            return bool((await home.call("GET", "/readyz"))[0] == 200)

        await home.until(written_again)
        assert (await home.call("GET", path))[1]["status"] == "awaiting_answer"
        assert not home.simulator.exchange.executions()
        assert (await home.call("POST", f"{path}/answer", {"confirm": True}))[0] in {200, 202}


async def test_a_change_is_refused_and_the_order_keeps_its_terms(build: Any) -> None:
    disk = Disk()
    async with build(journal=disk) as home:
        _status, order = await home.call("POST", "/orders", LIMIT)
        disk.full = True
        status, problem = await home.call("PATCH", f"/orders/{order['id']}", {"limit": 101})
        assert (status, problem["code"]) == (503, "journal.unavailable")
        [at_broker] = home.simulator.exchange.open_orders()
        assert at_broker.request.limit_price == 100
