"""Faults ordered over HTTP, on the command line and in a file; and what an unmodified client makes of them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from ib_async import IB, LimitOrder, Stock

from ibkr_sim.faults.catalogue import KINDS
from ibkr_sim.server import Simulator, SimulatorSettings
from ibkr_sim.tws.settings import TwsSettings

PATIENCE = 20.0


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator(SimulatorSettings(tws=TwsSettings(port=0), control_port=0)) as opened:
        yield opened


@pytest.fixture
async def http(simulator: Simulator) -> AsyncIterator[aiohttp.ClientSession]:
    base = f"http://127.0.0.1:{simulator.control_port}"
    async with aiohttp.ClientSession(base, timeout=aiohttp.ClientTimeout(10)) as session:
        yield session


async def test_a_fault_is_ordered_shown_and_cleared_over_http(
    simulator: Simulator, http: aiohttp.ClientSession
) -> None:
    body = {"name": "cut", "trigger": "order:2", "options": {"bytes": 40}, "times": 3, "seed": 9, "client": 1}
    async with http.post("/control/faults", json=body) as answer:
        assert answer.status == 201
        made = await answer.json()
    assert (made["name"], made["trigger"], made["options"]["bytes"], made["client"]) == ("cut", "order:2", "40", "1")
    async with http.get("/control/faults") as answer:
        shown = await answer.json()
    assert shown["faults"] == [made]
    assert [row["name"] for row in shown["available"]] == list(KINDS)
    assert all(row["summary"].endswith((".", ")")) for row in shown["available"])
    async with http.delete("/control/faults", json={"name": "delay"}) as answer:
        assert await answer.json() == {"cleared": 0}
    async with http.delete("/control/faults", json={}) as answer:
        assert await answer.json() == {"cleared": 1}
    assert not simulator.faults.injections


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"name": "nothing"},
        {"name": "cut", "when": "now"},
        {"name": "cut", "options": []},
        {"name": "cut", "trigger": 5},
        {"name": "cut", "seed": "x"},
        {"name": "cut", "client": True},
        {"name": "cut", "times": -1},
    ],
)
async def test_a_senseless_order_is_a_problem(simulator: Simulator, http: aiohttp.ClientSession, body: Any) -> None:
    async with http.post("/control/faults", json=body) as answer:
        assert answer.status == 422
        assert json.loads(await answer.text())["code"] == "invalid_fault"
    assert not simulator.faults.injections


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"Origin": "https://evil.example"}, 403), ({"Host": "evil.example"}, 403), ({"Content-Type": "text/plain"}, 415)],
)
async def test_a_web_page_can_neither_order_nor_clear(
    simulator: Simulator, http: aiohttp.ClientSession, headers: dict[str, str], status: int
) -> None:
    simulator.faults.inject("link_lost", "order:9")
    for method in ("POST", "DELETE"):
        headers = {"Content-Type": "application/json", **headers}
        async with http.request(method, "/control/faults", data='{"name": "link_lost"}', headers=headers) as answer:
            assert answer.status == status
    assert len(simulator.faults.injections) == 1


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ibkr_sim", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)


def test_the_command_lists_every_fault_with_a_sentence() -> None:
    text = run("faults").stdout
    assert all(f"{name}\n    " in text for name in KINDS)


def test_faults_come_from_a_file_and_from_the_command_line(tmp_path: Path) -> None:
    file = tmp_path / "faults.json"
    file.write_text('[{"name": "silent_drop", "trigger": "order:3", "times": 2}]')
    options = ("--tws-port", "0", "--control-port", "0", "--no-webapi", "--ready-json", "--exit-with-parent")
    command = [sys.executable, "-m", "ibkr_sim", "serve", *options, "--faults", str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        port = ("--control-port", str(json.loads(process.stdout.readline())["control_port"]))
        made = run("fault", "delay", "--on", "time:+60", "-o", "seconds=2", "-o", "real=true", "--client", "1", *port)
        shown = json.loads(run("faults", "--running", *port).stdout)
        assert json.loads(made.stdout) == shown[1]
        assert [(row["name"], row["trigger"]) for row in shown] == [("silent_drop", "order:3"), ("delay", "time:+60")]
        refused = run("fault", "delay", "-o", "second=2", *port)
        assert (refused.returncode, len(refused.stderr.splitlines())) == (2, 1)
        assert run("clear-faults", *port).stdout == "2 cleared\n"
        process.stdin.close()
        assert process.wait(PATIENCE) == 0


@pytest.mark.parametrize("text", ["{", "{}", '[{"name": "nothing"}]', '[{"name": "cut", "options": {"x": 1}}]'])
def test_a_senseless_file_is_refused_before_anything_starts(tmp_path: Path, text: str) -> None:
    file = tmp_path / "faults.json"
    file.write_text(text)
    done = run("serve", "--tws-port", "0", "--control-port", "0", "--faults", str(file))
    assert (done.returncode, done.stdout) == (2, "")


async def test_ib_async_shows_a_live_order_as_cancelled_after_10349(simulator: Simulator) -> None:
    simulator.faults.inject("tif_preset")
    ib = IB()
    await ib.connectAsync("127.0.0.1", simulator.tws_port, clientId=3, timeout=5)
    try:
        trade = ib.placeOrder(
            Stock("AAPL", "SMART", "USD", conId=265598), LimitOrder("BUY", 1, 10, tif="DAY", account="DU9912345")
        )
        await ib.reqCurrentTimeAsync()
        assert trade.orderStatus.status == "Cancelled"
        assert [order.status for order in simulator.exchange.open_orders()] == ["Submitted"]
    finally:
        ib.disconnect()


async def test_ib_async_sees_a_held_client_id_as_a_timeout(simulator: Simulator) -> None:
    simulator.faults.inject("client_id_held", options={"tries": 1})
    ib = IB()
    codes: list[int] = []
    ib.errorEvent += lambda _id, code, _text, _contract: codes.append(code)
    with pytest.raises(TimeoutError):
        await ib.connectAsync("127.0.0.1", simulator.tws_port, clientId=3, timeout=0.5)
    assert 326 in codes
    await ib.connectAsync("127.0.0.1", simulator.tws_port, clientId=3, timeout=5)
    ib.disconnect()
