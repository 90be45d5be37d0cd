"""GET /executions over a journal of many days."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.domain.events import Commissioned, Executed, OrderEvent, Received, Sent
from ibkr_bridge.domain.identity import order_id, reference
from ibkr_bridge.domain.order import BrokerIds, Order, OrderStatus
from ibkr_bridge.domain.terms import OrderType, Side, Terms
from ibkr_bridge.domain.transitions import apply
from ibkr_bridge.ports.journal import Entry
from ibkr_bridge.storage.memory import MemoryJournal

ACCOUNT = "DU9912345"
AAPL = Contract(265598, "AAPL", "STK", "SMART", "USD", primary_exchange="NASDAQ")
MSFT = Contract(272093, "MSFT", "STK", "SMART", "USD", primary_exchange="NASDAQ")
NOW = datetime.now(UTC).replace(microsecond=0)
ONE = Decimal(1)


def told(number: int, at: datetime) -> list[Entry]:
    """An order that was bought or sold back in one fill."""
    contract, side = (AAPL, MSFT)[number % 4 > 1], (Side.BUY, Side.SELL)[number % 2]
    terms = Terms(side, ONE, OrderType.LIMIT, limit=Decimal(150))
    name = order_id(at, number.to_bytes(10, "big"))
    order = Order(name, ACCOUNT, contract, terms, OrderStatus.RECEIVED, at, at)
    ids = BrokerIds(number, number, 42, reference(name))
    fill = Executed(f"e{number}", ids, ACCOUNT, contract, side, ONE, Decimal(150), ONE, Decimal(150), "NASDAQ", at)
    events: list[OrderEvent] = [Sent(ids, at), fill, Commissioned(fill.exec_id, ONE, "USD", None, at)]
    entries = [Entry(Received(order, "body", at), order)]
    for event in events:
        order = apply(order, event)
        entries.append(Entry(event, order))
    return entries


async def filled(count: int) -> MemoryJournal:
    """One order an hour, the last one an hour ago."""
    journal = MemoryJournal()
    for number in range(1, count + 1):
        await journal.append(told(number, NOW - timedelta(hours=count + 1 - number)))
    return journal


async def rows(home: Any, **query: Any) -> list[str]:
    """The names of every execution, page by page."""
    found: list[str] = []
    while True:
        async with home.http.get("/executions", params=query) as answer:
            page = await answer.json()
        assert answer.status == 200, page
        assert all(row["commission"] == 1 for row in page["executions"])
        found += [row["exec_id"] for row in page["executions"]]
        if page["next_cursor"] is None:
            return found
        query["cursor"] = page["next_cursor"]


async def test_pages_follow_each_other_without_a_gap_or_a_repeat(build: Callable[..., Any]) -> None:
    async with build(journal=await filled(1200)) as home:
        everything = [f"e{number}" for number in range(1, 1201)]
        ever = (NOW - timedelta(days=365)).isoformat()
        assert await rows(home, since=ever, limit=1000) == everything
        assert await rows(home, since=ever, limit=7, symbol="MSFT") == [
            name for number, name in enumerate(everything, 1) if number % 4 > 1
        ]
        assert await rows(home) == everything[-23:]
        week = NOW - timedelta(days=7, minutes=30)
        assert await rows(home, since=week.isoformat(), limit=50, account=ACCOUNT) == everything[-168:]
        assert await rows(home, since=(NOW + timedelta(days=1)).isoformat()) == []
