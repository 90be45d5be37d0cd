"""The pytest plugin, as a project meets it that has ibkr-sim installed."""

from __future__ import annotations

import asyncio
import socket
import struct
import subprocess
import sys
import threading
import urllib.request
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

import ib_async
import pytest

from ibkr_sim.exchange.model import Rejected, Status
from ibkr_sim.faults.injection import FaultOrder
from ibkr_sim.faults.trigger import InvalidFault
from ibkr_sim.testing.choices import MONDAY, choose
from ibkr_sim.testing.running import RunningSimulator

if TYPE_CHECKING:
    from ibkr_sim.server import SimulatorSettings

ROOT = Path(__file__).parents[3]
AAPL = 265598


def handshake(simulator: RunningSimulator) -> list[str]:
    """The fields of the door's greeting, read by a client that blocks."""
    with socket.create_connection((simulator.host, simulator.port), timeout=5) as client:
        client.sendall(b"API\0" + struct.pack(">I", 9) + b"v157..200")
        (length,) = struct.unpack(">I", client.recv(4))
        return client.recv(length).decode().split("\0")


def pytest_run(*arguments: str, cwd: Path = ROOT) -> str:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr


def test_a_client_that_blocks_is_answered_while_the_test_waits_for_it(ibkr_sim: RunningSimulator) -> None:
    assert handshake(ibkr_sim)[0] == "200"


def test_both_doors_are_open_on_free_ports(ibkr_sim: RunningSimulator) -> None:
    agent = urllib.request.Request(f"{ibkr_sim.webapi_url}/iserver/auth/status", headers={"User-Agent": "test"})
    with urllib.request.urlopen(agent, timeout=5) as answer:
        assert answer.status == 200
    assert ibkr_sim.port not in (0, 4002)


async def test_an_async_client_shares_no_loop_with_the_simulator(ibkr_sim: RunningSimulator) -> None:
    ib = ib_async.IB()
    await ib.connectAsync(ibkr_sim.host, ibkr_sim.port, clientId=1)
    try:
        assert ib.managedAccounts() == [ibkr_sim.account]
        order = ibkr_sim.order_by_hand("BUY", 5, "AAPL", limit="100")
        assert [trade.order.permId for trade in await ib.reqAllOpenOrdersAsync()] == [order.perm_id]
        ibkr_sim.cancel_by_hand(order.perm_id)
        (ended,) = await ibkr_sim.reaches(lambda exchange: exchange.completed_orders())
        assert ended.status is Status.CANCELLED
    finally:
        ib.disconnect()


def test_time_moves_only_as_the_test_says(ibkr_sim: RunningSimulator) -> None:
    assert ibkr_sim.now == MONDAY
    before = ibkr_sim.ask(lambda exchange: exchange.quote(AAPL))
    assert ibkr_sim.ask(lambda exchange: exchange.quote(AAPL)) == before
    assert ibkr_sim.advance(60) == MONDAY + timedelta(minutes=1)
    assert ibkr_sim.advance(timedelta(hours=1)) == MONDAY + timedelta(minutes=61)
    assert ibkr_sim.ask(lambda exchange: exchange.quote(AAPL)) != before
    with pytest.raises(ValueError, match="backwards"):
        ibkr_sim.advance(-1)
    ibkr_sim.set_speed(1000)
    ibkr_sim.until(lambda exchange: exchange.now() > MONDAY + timedelta(hours=1, minutes=2))


def test_an_order_by_hand_stands_in_the_ledger(ibkr_sim: RunningSimulator) -> None:
    order = ibkr_sim.order_by_hand("BUY", 7, "AAPL")
    ibkr_sim.until(lambda exchange: exchange.position(ibkr_sim.account, AAPL))
    (row,) = [row for row in ibkr_sim.ledger()["orders"] if row["perm_id"] == order.perm_id]
    assert (row["status"], row["filled"], row["client_id"]) == ("Filled", "7", 0)
    with pytest.raises(Rejected, match="account"):
        ibkr_sim.order_by_hand("BUY", 1, "AAPL", account="DU99NOBODY")


@pytest.mark.ibkr_sim(faults=["cut", ("answer_lost", "order:2"), FaultOrder("silent_drop", "order:3")])
def test_bad_days_are_ordered_beforehand_by_name_or_by_name_and_trigger(ibkr_sim: RunningSimulator) -> None:
    ordered = ibkr_sim.within(lambda simulator: [one.order.name for one in simulator.faults.injections])
    assert ordered == ["cut", "answer_lost", "silent_drop"]


def test_a_fault_strikes_when_it_was_ordered_to_and_can_be_cleared(ibkr_sim: RunningSimulator) -> None:
    fault = ibkr_sim.inject("client_id_held")
    assert fault.struck == 1
    fault.clear()
    fault.clear()
    assert fault.struck == 1
    waiting = ibkr_sim.inject("answer_lost", "order:2", client=7)
    ibkr_sim.clear_faults()
    assert waiting.struck == 0
    with pytest.raises(InvalidFault, match="there is no fault"):
        ibkr_sim.inject("bad_weather")


@pytest.mark.ibkr_sim(version_cap=176, accounts=("DU9900001", "DU9900002"), start=datetime(2026, 6, 1, 14, tzinfo=UTC))
@pytest.mark.ibkr_sim(webapi=False, advisor=True)
def test_a_marker_chooses_what_the_simulator_is(ibkr_sim: RunningSimulator) -> None:
    assert handshake(ibkr_sim)[0] == "176"
    assert ibkr_sim.accounts == ("DU9900001", "DU9900002", "DF9900001")
    assert ibkr_sim.now == datetime(2026, 6, 1, 14, tzinfo=UTC)
    with pytest.raises(RuntimeError, match="webapi=False"):
        _ = ibkr_sim.webapi_url


class TestWithSettingsOfItsOwn:
    @pytest.fixture
    def ibkr_sim_settings(self) -> SimulatorSettings:
        return choose(seed=3, entitled=False, pacing=False, always_open=False, webapi=False)

    def test_a_fixture_of_that_name_replaces_the_markers_choice(self, ibkr_sim: RunningSimulator) -> None:
        elsewhere = choose(seed=4, webapi=False)
        with RunningSimulator(elsewhere) as other:
            price = [one.ask(lambda exchange: exchange.quote(AAPL).last) for one in (ibkr_sim, other)]
            assert ibkr_sim.port != other.port
        assert isinstance(price[0], Decimal)
        with pytest.raises(RuntimeError, match="not open"):
            other.ask(lambda exchange: exchange.now())


def test_a_simulator_that_cannot_open_says_why_to_the_test() -> None:
    with pytest.raises(InvalidFault, match="there is no fault"), RunningSimulator(choose(faults=[FaultOrder("none")])):
        pytest.fail("it has opened")


def test_no_thread_outlives_its_test() -> None:
    with RunningSimulator(choose(webapi=False)):
        assert any(thread.name == "ibkr-sim" for thread in threading.enumerate())
    assert not any(thread.name == "ibkr-sim" for thread in threading.enumerate())


async def test_what_never_becomes_true_ends_with_the_deadline(ibkr_sim: RunningSimulator) -> None:
    with pytest.raises(TimeoutError):
        await ibkr_sim.reaches(lambda exchange: exchange.open_orders(), deadline=0.05)
    with pytest.raises(TimeoutError):
        await asyncio.to_thread(ibkr_sim.until, lambda exchange: exchange.open_orders(), 0.05)


def test_a_project_that_does_not_use_it_does_not_load_it(tmp_path: Path) -> None:
    assert [point.value for point in entry_points(group="pytest11", name="ibkr_sim")] == ["ibkr_sim.testing.plugin"]
    (tmp_path / "test_other.py").write_text(
        "import sys\n"
        "def test_nothing(): assert not {'ibkr_sim.server', 'aiohttp', 'cryptography', 'click'} & {*sys.modules}\n"
    )
    assert "1 passed" in pytest_run("-q", str(tmp_path), cwd=tmp_path)


def test_the_example_runs_and_the_seed_can_be_chosen_on_the_command_line() -> None:
    assert "2 passed" in pytest_run("-q", "--ibkr-sim-seed", "5", "examples/test_my_strategy.py")
