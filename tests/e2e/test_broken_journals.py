"""A journal that is read-only, locked, damaged, gone, or not for these eyes: a clear refusal, and nothing is lost."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
import pytest

from ibkr_bridge.config.settings import (
    ApiSettings,
    GuardSettings,
    JournalSettings,
    Settings,
    TradingSettings,
    TwsSettings,
)
from ibkr_bridge.domain.order import Order
from ibkr_bridge.domain.world import World
from ibkr_bridge.runtime.service import StartError, running
from ibkr_bridge.storage import database
from ibkr_bridge.storage.errors import JournalUnavailable
from ibkr_bridge.storage.sql import SqlJournal
from ibkr_sim.server import Simulator, SimulatorSettings
from ibkr_sim.tws.settings import TwsSettings as DoorSettings

LIMIT = {"symbol": "AAPL", "side": "BUY", "qty": 10, "type": "LIMIT", "limit": 100, "client_order_id": "mine"}
MARKET = {"symbol": "AAPL", "side": "BUY", "qty": 10, "type": "MARKET"}
OTHER = {**LIMIT, "client_order_id": "other"}
DEADLINE = 20.0
PAGE = 4096


@dataclass
class Keeping:
    """A simulated broker, and the folder of one journal with its key and its mark."""

    simulator: Simulator
    folder: Path

    @property
    def journal(self) -> Path:
        return self.folder / "journal.sqlite"

    @property
    def mark(self) -> Path:
        return self.folder / "audit.mark"

    @asynccontextmanager
    async def served(self, account: int | None = 0, **trading: Any) -> AsyncIterator[Calling]:
        """A service in this process, pinned to the account of that number."""
        settings = Settings(
            api=ApiSettings(port=0),
            tws=TwsSettings(
                port=self.simulator.tws_port,
                account=None if account is None else self.simulator.exchange.accounts[account],
            ),
            trading=TradingSettings(read_only=False, world=World.SIMULATED, first_word_timeout=1, **trading),
            guards=GuardSettings.wide_open(),
            journal=JournalSettings(
                url=f"sqlite:///{self.journal}", audit_key_file=self.folder / "audit.key", audit_mark=self.mark
            ),
        )
        async with running(settings) as service, aiohttp.ClientSession(service.url) as http:
            yield Calling(http)

    async def refused(self, **environment: str) -> str:
        """`serve` as a process of its own that does not start: its one line. It ends with exit code 1."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "ibkr_bridge", "serve"),
            cwd=self.folder,
            env={**self._environment(), **environment},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(DEADLINE):
                _out, err = await process.communicate()
        finally:
            with suppress(ProcessLookupError):
                process.kill()
        assert process.returncode == 1, err.decode()
        [line] = [line for line in err.decode().splitlines() if not line.startswith("{")]
        return line

    def _environment(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("IB_", "IBKR_"))}
        return {
            **clean,
            "PORT": "0",
            "IB_PORT": str(self.simulator.tws_port),
            "IBKR_SERVICE_WORLD": "simulated",
            "IBKR_SERVICE_JOURNAL_URL": f"sqlite:///{self.journal}",
            "IBKR_SERVICE_AUDIT_KEY_FILE": str(self.folder / "audit.key"),
            "IBKR_SERVICE_AUDIT_MARK": str(self.mark),
            "LOG_LEVEL": "error",
        }


@dataclass
class Calling:
    http: aiohttp.ClientSession

    async def __call__(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        async with self.http.request(method, path, json=body) as answer:
            return answer.status, await answer.json()

    async def until(self, wanted: tuple[int, str], method: str, path: str, body: object = None) -> dict[str, Any]:
        """The answer, once it has this HTTP status and this order status."""
        async with asyncio.timeout(DEADLINE):
            while True:
                status, answer = await self(method, path, body)
                if (status, answer.get("status")) == wanted:
                    return dict(answer)
                await asyncio.sleep(0.05)


@pytest.fixture
async def keeping(tmp_path: Path) -> AsyncIterator[Keeping]:
    async with Simulator(SimulatorSettings(tws=DoorSettings(port=0), control_port=None)) as simulator:
        yield Keeping(simulator, tmp_path)


async def one_order(keeping: Keeping) -> dict[str, Any]:
    """An order that works at the broker, kept by a service that has ended since."""
    async with keeping.served() as call:
        status, order = await call("POST", "/orders", LIMIT)
        assert status == 201
    return dict(order)


async def the_order_is_still_there(keeping: Keeping, order: dict[str, Any]) -> None:
    """With the journal as it was, the same id still means the same order, and it can be cancelled."""
    async with keeping.served() as call:
        status, again = await call("POST", "/orders", LIMIT)
        assert (status, again["id"]) == (200, order["id"])
        status, cancelled = await call("DELETE", f"/orders/{order['id']}")
        assert (status, cancelled["status"]) == (200, "cancelled")
    assert not keeping.simulator.exchange.open_orders()


# What a service finds when it starts.


def garbage_in_the_header(file: Path) -> None:
    file.write_bytes(b"not a database" + file.read_bytes()[14:])


def garbage_in_the_first_pages(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[:100] + os.urandom(4 * PAGE - 100) + content[4 * PAGE :])


def garbage_in_every_page_but_the_first(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[:PAGE] + os.urandom(len(content) - PAGE))


def half_of_it_cut_off(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2 // PAGE * PAGE)


def all_of_it_cut_off(file: Path) -> None:
    os.truncate(file, 0)


def gone(file: Path) -> None:
    file.unlink()


DAMAGES = (
    (garbage_in_the_header, "backup"),
    (garbage_in_the_first_pages, "backup"),
    (garbage_in_every_page_but_the_first, "backup"),
    (half_of_it_cut_off, "backup"),
    (all_of_it_cut_off, "Restore the journal"),
    (gone, "Restore the journal"),
)


@pytest.mark.parametrize(("damage", "advice"), DAMAGES, ids=[damage.__name__ for damage, _advice in DAMAGES])
async def test_a_damaged_journal_is_refused_in_one_line_and_its_copy_is_as_good_as_before(
    keeping: Keeping, damage: Callable[[Path], None], advice: str
) -> None:
    order = await one_order(keeping)
    backup = shutil.copy(keeping.journal, keeping.folder / "copy")
    damage(keeping.journal)
    line = await keeping.refused()
    assert str(keeping.journal) in line
    assert advice in line
    assert len(keeping.simulator.exchange.open_orders()) == 1
    shutil.copy(backup, keeping.journal)
    await the_order_is_still_there(keeping, order)


async def test_another_audit_key_is_refused_in_one_line_that_names_the_setting(keeping: Keeping) -> None:
    order = await one_order(keeping)
    line = await keeping.refused(IBKR_SERVICE_AUDIT_KEY="another key of sufficient length")
    assert "IBKR_SERVICE_AUDIT_KEY" in line
    assert "another key" not in line
    await the_order_is_still_there(keeping, order)


async def test_a_mark_that_cannot_be_read_is_refused_in_one_line_that_names_it(keeping: Keeping) -> None:
    order = await one_order(keeping)
    mark = keeping.mark.read_bytes()
    keeping.mark.write_bytes(b"{")
    assert str(keeping.mark) in await keeping.refused()
    keeping.mark.write_bytes(mark)
    await the_order_is_still_there(keeping, order)


@contextmanager
def powerless() -> Iterator[None]:
    """Root may write everything: be somebody else for a while."""
    if sys.platform == "win32" or os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.skipif(sys.platform == "win32", reason="rights of files are another thing on Windows")
@pytest.mark.parametrize("what", ["file", "folder"])
async def test_a_journal_that_may_not_be_written_is_refused_in_one_line(what: str) -> None:
    async with Simulator(SimulatorSettings(tws=DoorSettings(port=0), control_port=None)) as simulator:
        with TemporaryDirectory() as place:  # pytest's own folders are closed to anybody else
            keeping = Keeping(simulator, Path(place))
            order = await one_order(keeping)
            for file in keeping.folder.iterdir():
                file.chmod(0o444 if file == keeping.journal else 0o666)
            keeping.folder.chmod(0o777 if what == "file" else 0o555)
            with powerless(), pytest.raises(StartError, match="right to write") as refused:
                async with keeping.served():
                    pass
            assert "\n" not in str(refused.value)
            keeping.folder.chmod(0o700)
            for file in keeping.folder.iterdir():
                file.chmod(0o600)
            await the_order_is_still_there(keeping, order)


async def test_a_second_service_is_refused_in_one_line_that_names_the_first_and_the_first_goes_on(
    keeping: Keeping,
) -> None:
    async with keeping.served() as call:
        _status, order = await call("POST", "/orders", LIMIT)
        line = await keeping.refused(IB_CLIENT_ID="43")
        assert f"process {os.getpid()}" in line
        assert "journal of its own" in line
        assert (await call("POST", "/orders", OTHER))[0] == 201
        assert (await call("DELETE", f"/orders/{order['id']}"))[0] == 200


# What happens to the journal of a service that runs.


@contextmanager
def held_by_another(keeping: Keeping) -> Iterator[None]:
    connection = sqlite3.connect(keeping.journal, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.close()


@contextmanager
def moved_away(keeping: Keeping) -> Iterator[None]:
    aside = keeping.journal.rename(keeping.folder / "aside")
    try:
        yield
    finally:
        aside.rename(keeping.journal)


@contextmanager
def full(_keeping: Keeping) -> Iterator[None]:
    """The process may write no more to files, as on a disk without room."""
    import resource  # noqa: PLC0415  Windows has no such thing
    import signal  # noqa: PLC0415

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (PAGE, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


Trouble = Callable[[Keeping], AbstractContextManager[None]]
TROUBLES = [
    held_by_another,
    pytest.param(moved_away, marks=pytest.mark.skipif(sys.platform == "win32", reason="Windows moves no open file")),
    pytest.param(full, marks=pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")),
]


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_while_the_journal_cannot_be_written_orders_are_refused_and_cancels_go_out(
    keeping: Keeping, trouble: Trouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT", 0.1)
    async with keeping.served() as call:
        _status, first = await call("POST", "/orders", LIMIT)
        _status, second = await call("POST", "/orders", {**LIMIT, "client_order_id": "second"})
        with trouble(keeping):
            status, problem = await call("POST", "/orders", OTHER)
            assert (status, problem["code"], problem["retryable"]) == (503, "journal.unavailable", True)
            assert problem["advice"]
            status, problem = await call("PATCH", f"/orders/{second['id']}", {"limit": 101})
            assert (status, problem["code"]) == (503, "journal.unavailable")
            status, problem = await call("GET", "/readyz")
            assert status == 503
            assert any("journal" in why for why in problem["why_not_trading"])
            status, cancelled = await call("DELETE", f"/orders/{first['id']}")
            assert (status, cancelled["status"]) == (200, "cancelled")
            status, again = await call("POST", "/orders", {**LIMIT, "client_order_id": "second"})
            assert (status, again["id"]) == (200, second["id"])
        [left] = keeping.simulator.exchange.open_orders()
        assert left.request.limit_price == 100
        await call.until((201, "working"), "POST", "/orders", OTHER)
    async with keeping.served() as call:
        status, kept = await call("GET", f"/orders/{first['id']}")
        assert (status, kept["status"]) == (200, "cancelled")
    assert len(keeping.simulator.exchange.open_orders()) == 2


async def test_pages_damaged_under_a_running_service_are_named_and_never_called_a_mistake_of_ours(
    keeping: Keeping,
) -> None:
    """What SQLite has at hand it still answers; for the rest the answer names the journal. Orders at hand still end."""
    order = await one_order(keeping)
    async with keeping.served() as call:
        garbage_in_every_page_but_the_first(keeping.journal)
        status, cancelled = await call("DELETE", f"/orders/{order['id']}")
        assert (status, cancelled["status"]) == (200, "cancelled")
        said = []
        for method, path, body in (
            ("GET", "/orders", None),
            ("GET", "/orders/01M7XXGW0CR5KZ39F5291AD5S4", None),
            ("POST", "/orders", OTHER),
        ):
            status, answer = await call(method, path, body)
            said.append((status, answer.get("code")))
            assert status in (200, 201, 404, 503), answer
            assert status != 503 or (answer["code"].startswith("journal.") and answer["advice"]), answer
        assert 503 in [status for status, _code in said], said
        sent = [status for status, _code in said].count(201)
        assert len(keeping.simulator.exchange.open_orders()) == sent


async def test_a_read_that_fails_while_orders_are_compared_is_made_up_for(
    keeping: Keeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a restart an order that has ended is looked up in the journal: the broker still tells of its fills."""
    async with keeping.served() as call:
        _status, order = await call("POST", "/orders", MARKET)
        await call.until((200, "filled"), "GET", f"/orders/{order['id']}")
    failed, read, look_up = asyncio.Event(), asyncio.Event(), SqlJournal.order

    async def fails_once(journal: SqlJournal, order_id: str) -> Order | None:
        if not failed.is_set():
            failed.set()
            raise JournalUnavailable("The journal did not answer within 10 s.")
        found = await look_up(journal, order_id)
        read.set()
        return found

    monkeypatch.setattr(SqlJournal, "order", fails_once)
    async with keeping.served(inquiry_interval=0.1) as call:
        async with asyncio.timeout(DEADLINE):
            await read.wait()
        assert failed.is_set()
        assert (await call("GET", "/readyz"))[0] == 200


# What a caller may not have.


async def test_an_order_of_another_account_is_as_if_it_were_not_there(keeping: Keeping) -> None:
    async with keeping.served(account=1) as call:
        _status, order = await call("POST", "/orders", LIMIT)
    async with keeping.served(account=0) as call:
        path = f"/orders/{order['id']}"
        verdict = {"status": "cancelled", "note": "seen"}
        for method, where, body in (
            ("GET", path, None),
            ("PATCH", path, {"limit": 101}),
            ("DELETE", path, None),
            ("POST", f"{path}/resolve", verdict),
        ):
            status, problem = await call(method, where, body)
            never = await call(method, where.replace(order["id"], "01M7XXGW0CR5KZ39F5291AD5S4"), body)
            assert (status, problem["code"]) == (never[0], never[1]["code"]) == (404, "order.unknown")
            assert order["account"] not in str(problem)
        assert (await call("GET", "/orders"))[1]["orders"] == []
        assert (await call("GET", "/orders?foreign=true"))[1]["orders"] == []
        status, problem = await call("GET", f"/orders?account={order['account']}")
        assert (status, problem["code"]) == (404, "account.unknown")
        status, mine = await call("POST", "/orders", LIMIT)
        assert status == 201
        assert mine["id"] != order["id"]
    assert len(keeping.simulator.exchange.open_orders()) == 2


async def test_a_halt_neither_cancels_nor_names_an_order_of_another_account(keeping: Keeping) -> None:
    async with keeping.served(account=1) as call:
        await call("POST", "/orders", LIMIT)
    async with keeping.served(account=0) as call:
        status, report = await call("POST", "/admin/halt", {"cancel": True})
        assert status == 200
        assert (report["cancelled"], report["remaining"]) == ([], [])
    assert len(keeping.simulator.exchange.open_orders()) == 1


async def test_the_stream_says_nothing_of_an_order_of_another_account(keeping: Keeping) -> None:
    async with keeping.served(account=1) as call:
        _status, order = await call("POST", "/orders", LIMIT)
    async with keeping.served(account=0) as call, call.http.ws_connect("/ws/ib") as socket:
        [at_broker] = keeping.simulator.exchange.open_orders()
        keeping.simulator.exchange.cancel(at_broker.perm_id)
        await call("GET", "/ib/handshake")  # its answer comes after the report
        await call("POST", "/orders", LIMIT)
        heard: list[str] = []
        async with asyncio.timeout(DEADLINE):
            while not heard or '"orderStatus"' not in heard[-1]:
                heard.append(await socket.receive_str())
        assert not [said for said in heard if order["id"] in said or order["account"] in said]


async def test_an_id_used_before_the_restart_is_refused_with_another_body_after_it(keeping: Keeping) -> None:
    order = await one_order(keeping)
    async with keeping.served() as call:
        status, problem = await call("POST", "/orders", {**LIMIT, "qty": 11})
        assert (status, problem["code"], problem["retryable"]) == (422, "order.id_reused", False)
        assert problem["order_id"] == order["id"]
        assert "client_order_id" in problem["advice"]
        assert (await call("POST", "/orders", {**LIMIT, "qty": "10.0"}))[0] == 200
    assert len(keeping.simulator.exchange.open_orders()) == 1
