"""The broker falls silent about an order: what the caller, the stream and the restarted service each say of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from ibkr_bridge.runtime import compose
from ibkr_bridge.upstream.tws.wire import TwsSettings as WireSettings
from tests.e2e.silences.conftest import Broker, listening
from tests.house import House

LIMIT = {"symbol": "AAPL", "side": "BUY", "qty": 10, "type": "LIMIT", "limit": 100, "client_order_id": "mine"}
MARKET = {"symbol": "AAPL", "side": "BUY", "qty": 10, "type": "MARKET", "client_order_id": "mine"}
QUICK: dict[str, Any] = {"never_arrived_after": 0.3}


@dataclass(frozen=True)
class Silence:
    """A fault that strikes with an order, and what the order turns out to be once the broker speaks again."""

    fault: str
    truth: str
    on: str = "now"
    options: dict[str, Any] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=lambda: LIMIT)
    at_first: str = "unknown"
    restarted: str = ""
    """What it is if the service restarts in the silence, where that is not the same."""
    mended: str = "cut"
    """How the broker gets its voice back: by a new connection, or by the fault's own end."""

    def strike(self, home: House) -> None:
        home.simulator.faults.inject(self.fault, self.on, options=self.options)

    def mend(self, home: House) -> None:
        if self.mended == "cut":
            home.simulator.door.part()
        home.simulator.faults.clear()


PLACEMENTS = {
    "the answer is lost": Silence("answer_lost", "working"),
    "the connection is cut before the order": Silence(
        "cut", "never_arrived", options={"when": "before"}, mended="clear"
    ),
    "the connection is cut in the middle of the answer": Silence(
        "cut", "working", options={"when": "after", "bytes": 20}, mended="clear"
    ),
    "the connection is cut after the order": Silence("cut", "working", options={"when": "after"}, mended="clear"),
    "the order fills while the connection is cut": Silence(
        "fill_in_outage", "filled", body=MARKET, at_first="working", mended="clear"
    ),
    "the gateway goes mute with the order": Silence(
        "gateway_hangs", "working", on="message/3", restarted="never_arrived", mended="clear"
    ),
    "the link behind the gateway is lost with the order": Silence(
        "link_lost", "working", on="message/3", restarted="never_arrived", mended="clear"
    ),
    "the order is dropped in silence": Silence("silent_drop", "never_arrived"),
}
placements = pytest.mark.parametrize("silence", PLACEMENTS.values(), ids=PLACEMENTS.keys())


def known_to(broker: Broker) -> int:
    exchange = broker.simulator.exchange
    return len(exchange.open_orders()) + len(exchange.completed_orders())


async def place_into(silence: Silence, home: House) -> dict[str, Any]:
    """Place the order as the silence begins; the caller is told at once what is true, and nothing more."""
    await home.call("GET", "/market/quote/AAPL")
    silence.strike(home)
    status, order = await home.call("POST", "/orders", silence.body)
    assert (status, order["status"]) == (202 if silence.at_first == "unknown" else 201, silence.at_first)
    assert (order["evidence"] is not None) is (silence.at_first == "unknown")
    return dict(order)


@placements
async def test_a_placement_without_an_answer_is_unknown_to_all_and_then_the_truth(
    broker: Broker, silence: Silence
) -> None:
    quick = QUICK if silence.truth == "never_arrived" else {}
    async with broker.served(**quick) as home, listening(home) as ear:
        order = await place_into(silence, home)
        first = ["received", "sent", silence.at_first]
        assert await ear.status(order["id"], silence.at_first) == first
        _status, repeated = await home.call("POST", "/orders", silence.body)
        assert repeated["id"] == order["id"]
        silence.mend(home)
        said = await ear.status(order["id"], silence.truth)
        assert said[:3] == first
        assert not {"rejected", "cancelled", "denied"} & set(said)
        assert (await home.call("GET", f"/orders/{order['id']}"))[1]["status"] == silence.truth
        status, repeated = await home.call("POST", "/orders", silence.body)
        assert (status, repeated["id"], repeated["status"]) == (200, order["id"], silence.truth)
    assert known_to(broker) == (silence.truth != "never_arrived")


@placements
async def test_a_service_that_restarts_in_the_silence_is_as_unsure_and_then_tells_the_truth(
    broker: Broker, silence: Silence
) -> None:
    async with broker.served() as home:
        order = await place_into(silence, home)
    broker.simulator.faults.clear()
    truth = silence.restarted or silence.truth
    quick = QUICK if truth == "never_arrived" else {}
    async with broker.served(**quick) as home, listening(home) as ear:
        _status, kept = await home.call("GET", f"/orders/{order['id']}")
        assert kept["status"] in (silence.at_first, "unknown", truth)
        found = await home.until_order(order["id"], truth)
        assert found["id"] == order["id"]
        assert set(ear.states(order["id"])) <= {silence.at_first, "unknown", truth}
        status, repeated = await home.call("POST", "/orders", silence.body)
        assert (status, repeated["id"], repeated["status"]) == (200, order["id"], truth)
        assert (await home.call("GET", "/health"))[1]["status"] == "healthy"
    assert known_to(broker) == (truth != "never_arrived")


async def test_half_an_order_on_the_wire_is_no_order_and_is_not_completed_later(broker: Broker) -> None:
    async with broker.served(broker.scissors.port, **QUICK) as home, listening(home) as ear:
        await home.call("GET", "/market/quote/AAPL")
        broker.scissors.after = 60
        status, order = await home.call("POST", "/orders", LIMIT)
        assert (status, order["status"]) == (202, "unknown")
        await ear.status(order["id"], "never_arrived")
    async with broker.served() as home:
        status, again = await home.call("POST", "/orders", LIMIT)
        assert (status, again["id"], again["status"]) == (200, order["id"], "never_arrived")
    assert known_to(broker) == 0


async def test_an_order_that_works_unseen_is_never_said_not_to_have_arrived(broker: Broker) -> None:
    """IBKR's lists lack the order for as long as the connection lasts on which its answer was lost."""
    async with broker.served(**QUICK) as home, listening(home) as ear:
        order = await place_into(PLACEMENTS["the answer is lost"], home)
        await asyncio.sleep(1.0)  # ten looks, three times the stated time
        home.simulator.door.part()
        assert await ear.status(order["id"], "working") == ["received", "sent", "unknown", "working"]


WAYS = ("its answer is lost", "it is lost itself", "the link behind the gateway is lost")
ways = pytest.mark.parametrize("way", WAYS)
restarts = pytest.mark.parametrize("restarted", [False, True], ids=["going on", "restarted"])


def silence_the_next(home: House, way: str, number: int) -> None:
    """Let the next message of this number get no answer."""
    home.tap.muted = way == WAYS[0]
    home.tap.deaf = way == WAYS[1]
    if way == WAYS[2]:
        home.simulator.faults.inject("link_lost", f"message/{number}")


def mend(broker: Broker, way: str) -> None:
    broker.tap.muted = broker.tap.deaf = False
    if way == WAYS[2]:
        broker.simulator.faults.clear()
    else:
        broker.tap.cut()


def took_effect(way: str, *, restarted: bool) -> bool:
    """What the gateway holds back while its link is lost, it forgets with the connection."""
    return way == WAYS[0] or (way == WAYS[2] and not restarted)


@ways
@restarts
async def test_a_change_without_an_answer_is_unknown_until_the_broker_shows_its_terms(
    broker: Broker, way: str, restarted: bool
) -> None:
    terms = 101 if took_effect(way, restarted=restarted) else 100
    async with broker.served(broker.tap.port) as home, listening(home) as ear:
        _status, order = await home.call("POST", "/orders", LIMIT)
        silence_the_next(home, way, 3)
        status, changed = await home.call("PATCH", f"/orders/{order['id']}", {"limit": 101})
        assert (status, changed["status"]) == (202, "unknown")
        assert "change sent" in changed["evidence"][-1]["text"]
        said = await ear.status(order["id"], "unknown")
        assert said[-2:] == ["working", "unknown"]
        if not restarted:
            mend(broker, way)
            await ear.until(lambda message: message.get("data", {}).get("status") == "working")
            await terms_of(home, order["id"], terms)
    if restarted:
        mend(broker, way)
        async with broker.served(broker.tap.port) as home:
            await home.until_order(order["id"], "working")
            await terms_of(home, order["id"], terms)
    [at_broker] = broker.simulator.exchange.open_orders()
    assert at_broker.request.limit_price == terms


async def terms_of(home: House, order_id: str, limit: int) -> None:
    async def look() -> bool:
        _status, order = await home.call("GET", f"/orders/{order_id}")
        return bool(order["limit"] == limit and order["status"] == "working")

    await home.until(look)


@ways
@restarts
async def test_a_cancel_without_an_answer_is_pending_until_the_broker_has_spoken(
    broker: Broker, way: str, restarted: bool
) -> None:
    truth = "cancelled" if took_effect(way, restarted=restarted) else "working"
    async with broker.served(broker.tap.port) as home, listening(home) as ear:
        _status, order = await home.call("POST", "/orders", LIMIT)
        silence_the_next(home, way, 4)
        status, cancelled = await home.call("DELETE", f"/orders/{order['id']}")
        assert (status, cancelled["status"]) == (202, "pending_cancel")
        assert (await ear.status(order["id"], "pending_cancel"))[-2:] == ["working", "pending_cancel"]
        if not restarted:
            mend(broker, way)
            await ear.until(lambda message: message.get("data", {}).get("status") == truth)
            assert (await home.call("GET", f"/orders/{order['id']}"))[1]["status"] == truth
    if restarted:
        mend(broker, way)
        async with broker.served(broker.tap.port) as home:
            await home.until_order(order["id"], truth)
    assert len(broker.simulator.exchange.open_orders()) == (truth == "working")


@pytest.mark.parametrize(("method", "number"), [("PATCH", 3), ("DELETE", 4)])
async def test_a_connection_that_is_back_in_time_lets_the_caller_have_the_truth_at_once(
    broker: Broker, method: str, number: int
) -> None:
    async with broker.served() as home:
        _status, order = await home.call("POST", "/orders", LIMIT)
        home.simulator.faults.inject("cut", f"message/{number}")
        body = {"limit": 101} if method == "PATCH" else None
        status, answered = await home.call(method, f"/orders/{order['id']}", body)
        [*working] = broker.simulator.exchange.open_orders()
        assert (status, answered["status"]) == ((200, "working") if working else (200, "cancelled"))
        assert answered["limit"] == (101 if method == "PATCH" else 100)


async def test_a_cancel_whose_answer_alone_is_lost_is_asked_about_on_the_same_connection(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compose, "TwsSettings", WireSettings)  # no new connection that would ask anyway
    async with broker.served(broker.tap.port) as home:
        _status, order = await home.call("POST", "/orders", LIMIT)
        broker.tap.muted = True
        status, cancelled = await home.call("DELETE", f"/orders/{order['id']}")
        assert (status, cancelled["status"]) == (202, "pending_cancel")
        broker.tap.muted = False
        await home.until_order(order["id"], "cancelled")
        assert broker.tap.connections == 1


@pytest.mark.parametrize("ended", [True, False], ids=["with its end", "without its end"])
async def test_an_order_missing_from_a_list_may_be_unknown_and_is_never_ended_by_it(
    broker: Broker, ended: bool
) -> None:
    async with broker.served() as home:
        _status, order = await home.call("POST", "/orders", LIMIT)
    broker.simulator.faults.inject("snapshot_cut", "snapshot", options={"missing": 1, "ended": ended}, times=3)
    async with broker.served(never_arrived_after=30) as home, listening(home) as ear:
        status, kept = await home.call("GET", f"/orders/{order['id']}")
        assert (status, kept["status"]) in ((200, "unknown"), (200, "working"))
        if not ended:
            assert kept["status"] == "working"
            await asyncio.sleep(1.2)  # the look's own deadline
        await home.until_order(order["id"], "working")
        assert set(ear.states(order["id"])) <= {"unknown", "working"}
        status, cancelled = await home.call("DELETE", f"/orders/{order['id']}")
        assert (status, cancelled["status"]) == (200, "cancelled")
