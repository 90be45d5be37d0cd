"""A journal with a long past: orders that have ended, written in bulk through the storage's own tables."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path

from sqlalchemy import event, select

from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.domain.events import Received, Reported
from ibkr_bridge.domain.identity import order_id, reference
from ibkr_bridge.domain.order import BrokerIds, Order, OrderStatus
from ibkr_bridge.domain.terms import OrderType, Side, Terms
from ibkr_bridge.domain.transitions import apply
from ibkr_bridge.ports.journal import Entry
from ibkr_bridge.runtime.clock import SystemClock
from ibkr_bridge.storage import tables
from ibkr_bridge.storage.audit.chain import genesis
from ibkr_bridge.storage.database import Location, writing
from ibkr_bridge.storage.rows import End, batch
from ibkr_bridge.storage.sql import SqlJournal
from ibkr_bridge.storage.writer import Statements

KEY = "the key of a journal that is only measured"
_CONTRACT = Contract(265598, "AAPL", "STK", "SMART", "USD", primary_exchange="NASDAQ", local_symbol="AAPL")
_TERMS = Terms(Side.BUY, Decimal(10), OrderType.LIMIT, limit=Decimal("100.5"))
_BEGINNING = datetime(2020, 1, 2, 14, 30, tzinfo=UTC)
_AT_ONCE = 5000


async def write(folder: Path, account: str, count: int) -> None:
    """So many filled orders, each with a client order id that looks like chance and its one event."""
    url = f"sqlite:///{folder / 'journal.sqlite'}"
    journal = await SqlJournal.open(url, key=KEY.encode(), clock=SystemClock(), mark_path=folder / "audit.mark")
    await journal.close()
    engine = writing(Location.parse(url))
    # Nobody relies on it until it is whole; whoever opens it afterwards waits for the disk again.
    event.listen(engine, "connect", lambda connection, _record: connection.execute("PRAGMA synchronous = OFF"))
    statements = Statements(engine.dialect.name)
    entries = _entries(account, count)
    with engine.connect() as connection:
        with connection.begin():
            name = str(connection.execute(select(tables.journal.c.id)).scalar_one())
        end = End(0, genesis(KEY.encode(), name))
        while chunk := list(islice(entries, _AT_ONCE)):
            prepared = batch(chunk, end, KEY.encode())
            with connection.begin():
                statements.write(connection, prepared)
            end = prepared.end
    engine.dispose()


def _entries(account: str, count: int) -> Iterator[Entry]:
    chance = random.Random(1)
    for number in range(count):
        at = _BEGINNING + timedelta(seconds=number)
        name = order_id(at, number.to_bytes(10, "big"))
        received = Order(
            id=name,
            account=account,
            contract=_CONTRACT,
            terms=_TERMS,
            status=OrderStatus.RECEIVED,
            created_at=at,
            updated_at=at,
            client_order_id=f"{chance.getrandbits(128):032x}",
        )
        ids = BrokerIds(number + 1, 1_000_000_000 + number, 42, reference(name))
        ended = apply(received, Reported(OrderStatus.FILLED, ids, _TERMS.qty, _TERMS.limit, at))
        yield Entry(Received(received, "0" * 64, at), ended)
