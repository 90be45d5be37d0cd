"""The control port: its answers, and what it keeps out."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import aiohttp
import pytest

from ibkr_sim.exchange.model import OrderRequest, Side
from ibkr_sim.server import Simulator, SimulatorSettings
from ibkr_sim.tws.settings import TwsSettings

CHALLENGE = "00112233445566778899aabbccddeeff"


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    settings = SimulatorSettings(tws=TwsSettings(port=0), control_port=0, nonce="a secret", speed=0)
    async with Simulator(settings) as opened:
        yield opened


@pytest.fixture
async def http(simulator: Simulator) -> AsyncIterator[aiohttp.ClientSession]:
    base = f"http://127.0.0.1:{simulator.control_port}"
    async with aiohttp.ClientSession(base, timeout=aiohttp.ClientTimeout(10)) as session:
        yield session


async def refusal(answer: aiohttp.ClientResponse) -> tuple[int, str]:
    assert answer.content_type == "application/problem+json"
    return answer.status, json.loads(await answer.text())["code"]


async def test_who_knows_the_nonce_can_check_that_this_is_the_process(
    simulator: Simulator, http: aiohttp.ClientSession
) -> None:
    async with http.get("/control/identity", params={"challenge": CHALLENGE}) as answer:
        body = await answer.json()
    proof = body.pop("proof")
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    assert proof == hmac.new(b"a secret", text.encode(), hashlib.sha256).hexdigest()
    assert body["challenge"] == CHALLENGE
    assert body["tws_port"] == simulator.tws_port
    assert body["accounts"] == ["DU9912345", "DU9967890"]


@pytest.mark.parametrize("challenge", ["", "00", "not hexadecimal!", "00" * 65])
async def test_a_challenge_is_8_to_64_bytes(http: aiohttp.ClientSession, challenge: str) -> None:
    async with http.get("/control/identity", params={"challenge": challenge}) as answer:
        assert await refusal(answer) == (422, "invalid_challenge")


async def test_without_a_nonce_there_is_no_identity() -> None:
    settings = SimulatorSettings(tws=TwsSettings(port=0), control_port=0)
    async with Simulator(settings) as opened, aiohttp.ClientSession() as session:
        url = f"http://127.0.0.1:{opened.control_port}/control/identity?challenge={CHALLENGE}"
        async with session.get(url) as answer:
            assert await refusal(answer) == (404, "no_nonce")


async def test_the_ledger_shows_every_amount_exactly(simulator: Simulator, http: aiohttp.ClientSession) -> None:
    order = simulator.exchange.place(OrderRequest("DU9912345", 265598, Side.BUY, Decimal(3), "MKT", order_ref="mine"))
    async with http.get("/control/ledger") as answer:
        body = await answer.json()
    (account, _other) = body["accounts"]
    (position,) = account["positions"]
    held = simulator.exchange.position("DU9912345", 265598)
    assert held is not None
    assert Decimal(position["average_cost"]) == held.average_cost
    assert Decimal(account["net_liquidation"]) == simulator.exchange.net_liquidation("DU9912345")
    (shown,) = body["orders"]
    assert (shown["perm_id"], shown["status"], shown["order_ref"]) == (order.perm_id, "Filled", "mine")
    assert sum(Decimal(row["shares"]) for row in body["executions"]) == 3


async def test_the_clock_is_sped_up_and_moved(simulator: Simulator, http: aiohttp.ClientSession) -> None:
    before = simulator.clock.now()
    async with http.post("/control/clock", json={"advance_seconds": 60}) as answer:
        assert answer.status == 200
    assert (simulator.clock.now() - before).total_seconds() == 60
    async with http.post("/control/clock", json={"speed": 5}) as answer:
        assert (await answer.json())["speed"] == 5
    async with http.get("/control/clock") as answer:
        assert (await answer.json())["speed"] == simulator.clock.speed == 5


@pytest.mark.parametrize(
    "body",
    [{}, [], 5, {"speed": -1}, {"speed": True}, {"speed": "5"}, {"speed": 1e9}, {"advance_seconds": -1}, {"spede": 5}],
)
async def test_a_clock_order_that_makes_no_sense_changes_nothing(
    simulator: Simulator, http: aiohttp.ClientSession, body: Any
) -> None:
    before = simulator.clock.now()
    async with http.post("/control/clock", json=body) as answer:
        assert await refusal(answer) == (422, "invalid_clock")
    assert simulator.clock.now() == before


@pytest.mark.parametrize("text", ["", "{", "[" * 50_000])
async def test_a_body_that_is_not_json_is_refused(http: aiohttp.ClientSession, text: str) -> None:
    async with http.post("/control/clock", data=text, headers={"Content-Type": "application/json"}) as answer:
        assert await refusal(answer) == (400, "invalid_json")


async def test_infinity_and_endless_bodies_are_refused(http: aiohttp.ClientSession) -> None:
    headers = {"Content-Type": "application/json"}
    async with http.post("/control/clock", data='{"speed": Infinity}', headers=headers) as answer:
        assert await refusal(answer) == (422, "invalid_clock")
    async with http.post("/control/clock", data=b" " * 100_000, headers=headers) as answer:
        assert await refusal(answer) == (413, "too_large")


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:4080", ""])
async def test_a_web_page_is_refused_whatever_origin_it_names(http: aiohttp.ClientSession, origin: str) -> None:
    for path in ("/control/clock", "/control/ledger", "/control/identity"):
        async with http.get(path, headers={"Origin": origin}) as answer:
            assert await refusal(answer) == (403, "origin_refused")


@pytest.mark.parametrize("host", ["evil.example", "evil.example:4080", "127.0.0.1.evil.example", "localhost@evil", ""])
async def test_a_page_that_rebinds_its_own_name_is_refused(http: aiohttp.ClientSession, host: str) -> None:
    async with http.get("/control/ledger", headers={"Host": host}) as answer:
        assert await refusal(answer) == (403, "host_refused")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:80", "[::1]:4080"])
async def test_every_name_of_this_machine_will_do(http: aiohttp.ClientSession, host: str) -> None:
    async with http.get("/control/clock", headers={"Host": host}) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
async def test_a_form_cannot_move_the_clock(simulator: Simulator, http: aiohttp.ClientSession, kind: str) -> None:
    before = simulator.clock.now()
    async with http.post("/control/clock", data='{"advance_seconds": 60}', headers={"Content-Type": kind}) as answer:
        assert await refusal(answer) == (415, "json_required")
    assert simulator.clock.now() == before


async def test_other_paths_and_methods_are_refused_in_the_same_shape(http: aiohttp.ClientSession) -> None:
    async with http.get("/") as answer:
        assert await refusal(answer) == (404, "not_found")
    async with http.put("/control/clock", json={}) as answer:
        assert await refusal(answer) == (405, "method_not_allowed")
    async with http.options("/control/clock", headers={"Origin": "https://evil.example"}) as answer:
        assert await refusal(answer) == (403, "origin_refused")
        assert "Access-Control-Allow-Origin" not in answer.headers


async def test_no_answer_may_be_read_or_kept_by_a_browser(http: aiohttp.ClientSession) -> None:
    for path in ("/control/ledger", "/nowhere"):
        async with http.get(path) as answer:
            assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Cache-Control"] == "no-store"
