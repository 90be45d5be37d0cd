"""A process that is killed in the middle of writing loses nothing of what it was told is kept."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from ibkr_bridge.storage.audit.mark import read
from ibkr_bridge.storage.sql import SqlJournal

KILLS = 10
WRITER = """
import asyncio, itertools, secrets, sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.domain.events import CancelRequested, Received, Sent
from ibkr_bridge.domain.identity import order_id
from ibkr_bridge.domain.order import BrokerIds, Order, OrderStatus
from ibkr_bridge.domain.terms import OrderType, Side, Terms
from ibkr_bridge.domain.transitions import apply
from ibkr_bridge.ports.journal import Entry
from ibkr_bridge.runtime.clock import SystemClock
from ibkr_bridge.storage.sql import SqlJournal

CONTRACT = Contract(265598, "AAPL", "STK", "SMART", "USD")
def life():
    at = datetime.now(UTC)
    name = order_id(at, secrets.token_bytes(10))
    terms = Terms(Side.BUY, Decimal(10), OrderType.MARKET)
    order = Order(name, "DU1", CONTRACT, terms, OrderStatus.RECEIVED, at, at, name)
    yield Entry(Received(order, "body", at), order)
    for event in (Sent(BrokerIds(1, 2, 3, name), at), CancelRequested(at)):
        order = apply(order, event)
        yield Entry(event, order)
async def main(url, mark):
    key = b"a key that only this test knows!"
    journal = await SqlJournal.open(url, key=key, clock=SystemClock(), mark_path=Path(mark))
    for size in itertools.cycle((1, 1, 4, 40)):
        batch = [entry for _ in range(size) for entry in life()]
        first = await journal.append(batch)
        print(first, *(entry.order.id for entry in batch[::3]), flush=True)
asyncio.run(main(*sys.argv[1:]))
"""


def killed(url: str, mark: Path, rng: random.Random) -> list[tuple[int, list[str]]]:
    """Let a process append until it is killed at some moment; what it was told is kept: first number and orders."""
    command = [sys.executable, "-c", WRITER, url, str(mark)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    lines = [process.stdout.readline()]
    time.sleep(rng.uniform(0, 0.15))
    process.kill()
    lines += process.communicate()[0].splitlines(keepends=True)
    words = [line.split() for line in lines if line.endswith("\n")]
    return [(int(first), orders) for first, *orders in words]


async def test_what_was_kept_survives_kill_9_at_any_moment(opened: Any, sqlite_url: str, mark_path: Path) -> None:
    rng = random.Random(20260302)
    for _ in range(KILLS):
        acknowledged = killed(sqlite_url, mark_path, rng)
        assert acknowledged
        mark = read(mark_path)
        journal: SqlJournal = await opened(sqlite_url)
        info = await journal.info()
        assert info.events == info.last_seq, "numbers have no gap"
        assert info.last_seq >= acknowledged[-1][0] + 3 * len(acknowledged[-1][1]) - 1
        assert info.events == 3 * info.orders, "no batch is half there"
        for first, orders in acknowledged:
            updates = await journal.events(first - 1, 3 * len(orders))
            assert [update.order.id for update in updates[::3]] == orders
            bound = await journal.bound("DU1", orders[-1])
            assert bound is not None
            assert bound.order == updates[-1].order
        assert mark is not None
        assert mark.seq <= info.last_seq, "the mark never leads"
        assert (await journal.verify()).sound
        await journal.close()
