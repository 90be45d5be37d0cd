"""The gateway itself falls silent: what callers, streams and a restarted service each say of the session."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from ibkr_bridge.runtime.service import StartError
from tests.e2e.silences.conftest import Broker, listening
from tests.house import House

LIMIT = {"symbol": "AAPL", "side": "BUY", "qty": 10, "type": "LIMIT", "limit": 100, "client_order_id": "mine"}
OTHER = {**LIMIT, "client_order_id": "other"}
READS = ("/account/summary", "/positions", "/pnl", "/market/quote/AAPL", "/orders")


@dataclass(frozen=True)
class Absence:
    """A fault of the gateway, and the code by which it is told, then shown, then refused at a start."""

    fault: str
    told: str
    shown: str
    refused: str
    options: dict[str, Any] = field(default_factory=dict)
    parted: bool = False

    def begin(self, home: House) -> None:
        home.simulator.faults.inject(self.fault, options=self.options)
        if self.parted:
            home.simulator.door.part()


GONE: dict[str, Any] = {"seconds": 9999, "tries": 0}
ABSENCES = {
    "nobody is at the port": Absence(
        "nightly_restart", "session.lost", "session.unreachable", "Nothing answers at 127.0.0.1", GONE
    ),
    "a relay drops every connection": Absence(
        "nightly_restart", "session.lost", "session.refused", "closed the connection", {**GONE, "relay": True}
    ),
    "it accepts and never answers": Absence("gateway_hangs", "session.silent", "session.silent", "does not speak"),
    "the second factor is never given": Absence("second_factor", "session.lost", "session.silent", "logged in"),
    "the client id stays held": Absence(
        "client_id_held",
        "session.lost",
        "session.client_id_used",
        "Client id 42 is in use",
        {"tries": 10_000},
        parted=True,
    ),
}
absences = pytest.mark.parametrize("absence", ABSENCES.values(), ids=ABSENCES.keys())


async def until_shown(home: House, code: str) -> dict[str, Any]:
    async def look() -> dict[str, Any] | None:
        status, health = await home.call("GET", "/health")
        assert status == 200
        return health if health["ibkr"]["code"] == code else None

    found: dict[str, Any] = await home.until(look)
    return found


async def everything_is_stale(home: House) -> None:
    for path in READS:
        status, answer = await home.call("GET", path)
        assert status == 200, path
        assert answer["stale"], path
        assert answer["as_of"], path


async def orders_wait(home: House, order_id: str) -> None:
    """A new order, a change and a cancel are refused unsent, and the caller learns when to come back."""
    for method, path, body in (
        ("POST", "/orders", OTHER),
        ("PATCH", f"/orders/{order_id}", {"limit": 101}),
        ("DELETE", f"/orders/{order_id}", None),
    ):
        async with home.http.request(method, path, json=body) as answer:
            problem = await answer.json()
        assert (answer.status, problem["code"], problem["retryable"]) == (503, "broker.away", True)
        assert "readyz" in problem["advice"]
        assert int(answer.headers["Retry-After"]) > 0


@absences
async def test_a_silent_gateway_is_told_once_and_reads_go_on_and_orders_wait(broker: Broker, absence: Absence) -> None:
    async with broker.served() as home, listening(home) as ear:
        _status, order = await home.call("POST", "/orders", LIMIT)
        for path in READS:
            assert (await home.call("GET", path))[1]["stale"] is None
        absence.begin(home)
        health = await until_shown(home, absence.shown)
        assert (health["status"], health["ib_connected"], health["trading"]) == ("degraded", False, False)
        assert health["ibkr"]["reason"] in health["why_not_trading"]
        await orders_wait(home, order["id"])
        await everything_is_stale(home)
        status, repeated = await home.call("POST", "/orders", LIMIT)
        assert (status, repeated["id"], repeated["status"]) == (200, order["id"], "working")
        home.simulator.faults.clear()
        await home.until_ready()
        assert await ear.sessions() == [("disconnected", absence.told), ("ready", None)]
        assert set(ear.states(order["id"])) == {"received", "sent", "working"}
        assert (await home.call("POST", "/orders", OTHER))[0] == 201
    assert len(broker.simulator.exchange.open_orders()) == 2


@absences
async def test_a_service_does_not_start_on_a_silent_gateway_and_afterwards_knows_its_orders(
    broker: Broker, absence: Absence
) -> None:
    async with broker.served() as home:
        _status, order = await home.call("POST", "/orders", LIMIT)
        absence.begin(home)
    with pytest.raises(StartError, match=absence.refused) as refused:
        async with broker.served():
            pass
    assert "\n" not in str(refused.value)
    broker.simulator.faults.clear()
    async with broker.served() as home:
        status, again = await home.call("POST", "/orders", LIMIT)
        assert (status, again["id"], again["status"]) == (200, order["id"], "working")
        assert (await home.call("GET", "/health"))[1]["status"] == "healthy"
    assert len(broker.simulator.exchange.open_orders()) == 1


@pytest.mark.parametrize("restored", ["link_restored", "link_restored_data_lost"])
async def test_a_lost_link_degrades_the_session_until_ibkr_says_that_it_is_back(broker: Broker, restored: str) -> None:
    async with broker.served() as home, listening(home) as ear:
        _status, order = await home.call("POST", "/orders", LIMIT)
        for path in READS:
            await home.call("GET", path)
        home.simulator.faults.inject("link_lost")
        health = await until_shown(home, "session.link_lost")
        assert (health["status"], health["ib_connected"], health["trading"]) == ("degraded", True, False)
        await orders_wait(home, order["id"])
        await everything_is_stale(home)
        home.simulator.faults.inject(restored)
        await home.until_ready()
        assert await ear.sessions() == [("degraded", "session.link_lost"), ("ready", None)]

        async def fresh() -> bool:
            return (await home.call("GET", "/market/quote/AAPL"))[1]["stale"] is None

        await home.until(fresh)
        assert (await home.call("DELETE", f"/orders/{order['id']}"))[1]["status"] == "cancelled"


async def test_a_lost_link_that_nobody_says_is_back_stays_lost(broker: Broker) -> None:
    async with broker.served(broker.tap.port) as home, listening(home) as ear:
        await home.call("GET", "/market/quote/AAPL")
        home.tap.message(-1, 1100, "Connectivity between IBKR and TWS has been lost.")
        await until_shown(home, "session.link_lost")
        assert (await home.call("GET", "/ib/handshake"))[0] == 503
        assert (await home.call("POST", "/orders", LIMIT))[0] == 503
        home.tap.cut()
        await home.until_ready()
        assert [code for _state, code in await ear.sessions()] == ["session.link_lost", "session.lost", None]


async def test_a_service_that_starts_while_the_link_is_lost_says_so_and_sends_nothing(broker: Broker) -> None:
    async with broker.served() as home:
        _status, order = await home.call("POST", "/orders", LIMIT)
    broker.simulator.faults.inject("link_lost")
    async with broker.served() as home:
        health = await until_shown(home, "session.link_lost")
        assert (health["status"], health["trading"]) == ("degraded", False)
        assert (await home.call("POST", "/orders", OTHER))[0] == 503
        assert (await home.call("GET", f"/orders/{order['id']}"))[1]["status"] == "working"
        broker.simulator.faults.inject("link_restored")
        await home.until_ready()
        assert (await home.call("POST", "/orders", OTHER))[0] == 201


async def test_a_connection_made_while_the_link_is_lost_is_not_ready(broker: Broker) -> None:
    async with broker.served() as home:
        await home.call("GET", "/market/quote/AAPL")
        home.simulator.faults.inject("link_lost")
        await until_shown(home, "session.link_lost")
        home.simulator.door.part()

        async def connected_again() -> bool:
            health = (await home.call("GET", "/health"))[1]
            return bool(health["ib_connected"] and home.simulator.door.guests)

        await home.until(connected_again)
        assert (await home.call("GET", "/readyz"))[0] == 503
        assert (await home.call("POST", "/orders", LIMIT))[0] == 503
        home.simulator.faults.inject("link_restored")
        await home.until_ready()


async def test_the_nightly_restart_refuses_the_port_then_the_client_id_and_orders_live_on(broker: Broker) -> None:
    async with broker.served() as home, listening(home) as ear:
        _status, order = await home.call("POST", "/orders", LIMIT)
        home.simulator.faults.inject("nightly_restart", options={"seconds": "0.5", "real": True, "tries": 2})
        await until_shown(home, "session.unreachable")
        await orders_wait(home, order["id"])
        await until_shown(home, "session.client_id_used")
        await home.until_ready()
        assert await ear.sessions() == [("disconnected", "session.lost"), ("ready", None)]
        assert (await home.call("DELETE", f"/orders/{order['id']}"))[1]["status"] == "cancelled"


@pytest.mark.parametrize(
    ("fault", "word"), [("farm_down", "farm"), ("competing_session", "competing")], ids=["a farm", "another login"]
)
async def test_data_that_is_away_makes_quotes_stale_and_stops_no_order(broker: Broker, fault: str, word: str) -> None:
    async with broker.served() as home, listening(home) as ear:
        assert (await home.call("GET", "/market/quote/AAPL"))[1]["stale"] is None
        home.simulator.faults.inject(fault)

        async def stale() -> str | None:
            answer = (await home.call("GET", "/market/quote/AAPL"))[1]
            assert answer["last"] is not None
            assert answer["as_of"]
            found: str | None = answer["stale"]
            return found

        assert word in str(await home.until(stale)).lower()
        assert (await home.call("GET", "/health"))[1]["status"] == "healthy"
        status, order = await home.call("POST", "/orders", LIMIT)
        assert (status, order["status"]) == (201, "working")
        assert (await home.call("DELETE", f"/orders/{order['id']}"))[1]["status"] == "cancelled"
        home.simulator.faults.clear()

        async def fresh() -> bool:
            return await stale() is None

        await home.until(fresh)
        assert not await ear.sessions()
