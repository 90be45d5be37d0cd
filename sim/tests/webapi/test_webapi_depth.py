"""The price ladder of the topic `sbd`: whole at first, then row by row; refused without a subscription."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

ACCOUNT = "DU9912345"
AAPL, SPX, EUR = 265598, 416904, 12087792
TOPIC = f"sbd+{ACCOUNT}+{AAPL}"


class Shown:
    """A ladder as a client keeps it: rows by their number."""

    def __init__(self) -> None:
        self.rows: dict[int, dict[str, Any]] = {}

    def hear(self, frame: dict[str, Any]) -> None:
        self.rows |= {row["row"]: row for row in frame["data"]}

    def side(self, name: str) -> dict[Decimal, Decimal]:
        """Sizes by price."""
        return {price(row): Decimal(row[name]) for row in self.rows.values() if name in row}


def price(row: dict[str, Any]) -> Decimal:
    return Decimal(row["price"].rpartition("@")[2].strip())


def sides(house: Any, conid: int = AAPL) -> list[dict[Decimal, Decimal]]:
    depth = house.market.depth(conid, 10)
    found: list[dict[Decimal, Decimal]] = []
    for side in (depth.bids, depth.asks):
        found.append({})
        for level in side:
            found[-1][level.price] = found[-1].get(level.price, Decimal(0)) + level.size
    return found


@pytest.fixture
async def reader(open_house: Callable[..., Any]) -> Any:
    return await open_house()


async def test_a_ladder_is_refused_without_a_subscription_to_depth(open_house: Callable[..., Any]) -> None:
    stream = await (await (await open_house(depth=False)).stream()).welcomed()
    await stream.say(TOPIC)
    assert await stream.settle() == [{"error": "unable to subscribe", "code": 500, "topic": TOPIC}]


@pytest.mark.parametrize(
    ("target", "reason", "code"),
    [
        (f"DU1+{AAPL}", "invalid account", 400),
        (f"{ACCOUNT}+9", "invalid conid", 400),
        (f"{ACCOUNT}+{AAPL}+MOON", "unable to subscribe", 500),
        (f"{ACCOUNT}+{SPX}", "unable to subscribe", 500),
        (ACCOUNT, "invalid conid", 400),
    ],
)
async def test_a_ladder_of_nothing_is_refused(reader: Any, target: str, reason: str, code: int) -> None:
    stream = await (await reader.stream()).welcomed()
    await stream.say(f"sbd+{target}")
    assert await stream.settle() == [{"error": reason, "code": code, "topic": f"sbd+{target}"}]


async def test_a_ladder_has_both_sides_and_the_last_trade_in_focus(reader: Any) -> None:
    reader.advance(minutes=1)
    stream, shown = await (await reader.stream()).welcomed(), Shown()
    await stream.say(TOPIC)
    first = await stream.next("sbd")
    assert first["topic"] == TOPIC
    assert [row["row"] for row in first["data"]] == list(range(len(first["data"])))
    prices = [price(row) for row in first["data"]]
    assert prices == sorted(set(prices), reverse=True)
    shown.hear(first)
    assert [shown.side("bid"), shown.side("ask")] == sides(reader)
    (focus,) = [row for row in first["data"] if row["focus"]]
    quote = reader.market.quote(AAPL)
    assert focus["price"] == f"{quote.last_size:.0f} @ {quote.last:.2f}"
    assert {"row", "focus", "price"} in [set(row) for row in first["data"]]


async def test_later_frames_bring_only_rows_that_have_changed(reader: Any) -> None:
    stream, shown = await (await reader.stream()).welcomed(), Shown()
    await stream.say(TOPIC)
    first = await stream.next("sbd")
    shown.hear(first)
    smaller = 0
    for _minute in range(8):
        reader.advance(seconds=20)
        frame = await stream.next("sbd")
        smaller += len(frame["data"]) < len(shown.rows)
        shown.hear(frame)
        assert [shown.side("bid"), shown.side("ask")] == sides(reader)
    assert smaller


async def test_a_resting_order_stands_on_the_ladder(reader: Any) -> None:
    await reader.ready()
    stream, shown = await (await reader.stream()).welcomed(), Shown()
    await stream.say(f"{TOPIC}+SMART")
    shown.hear(await stream.next("sbd"))
    bid = reader.market.quote(AAPL).bid
    before = shown.side("bid")[bid]
    await reader.place({"orderType": "LMT", "price": float(bid), "quantity": 30})
    shown.hear(await stream.next("sbd"))
    assert shown.side("bid")[bid] == before + 30


async def test_one_word_ends_every_ladder_of_an_account(reader: Any) -> None:
    stream = await (await reader.stream()).welcomed()
    for target in (AAPL, f"{AAPL}+NASDAQ", EUR):
        await stream.say(f"sbd+{ACCOUNT}+{target}")
        assert (await stream.next("sbd"))["data"]
    await stream.say("ubd+DU9967890")
    reader.advance(minutes=1)
    assert {(await stream.next("sbd"))["topic"] for _ladder in range(3)} > {TOPIC}
    await stream.say(f"ubd+{ACCOUNT}")
    await stream.settle()
    reader.advance(minutes=1)
    await asyncio.sleep(0.15)
    assert await stream.settle() == []


async def test_a_ladder_ends_with_the_brokerage_session(reader: Any) -> None:
    stream = await (await reader.stream()).welcomed()
    await stream.say(TOPIC)
    await stream.next("sbd")
    reader.advance(minutes=7)
    assert (await stream.next("sts"))["args"]["authenticated"] is False
    await stream.settle()
    reader.advance(minutes=1)
    await asyncio.sleep(0.15)
    assert await stream.settle() == []


async def test_a_ladder_comes_whole_after_a_lost_link_unless_its_data_are_lost(reader: Any) -> None:
    faults = reader.simulator.faults
    stream = await (await reader.stream()).welcomed()
    await stream.say(TOPIC)
    whole = len((await stream.next("sbd"))["data"])
    for restored, comes in (("link_restored", True), ("link_restored_data_lost", False)):
        faults.inject("link_lost")
        reader.advance(seconds=20)
        await asyncio.sleep(0.1)
        faults.inject(restored)
        await asyncio.sleep(0.15)
        told = [frame["data"] for frame in await stream.settle() if frame.get("topic") == TOPIC]
        assert [len(rows) >= whole for rows in told] == [True] * comes
    reader.advance(seconds=20)
    await asyncio.sleep(0.1)
    assert await stream.settle() == []


async def test_a_ladder_near_nothing_has_no_price_below_it(reader: Any) -> None:
    await reader.ready()
    await reader.get("/iserver/secdef/search?symbol=AAPL")
    path = f"/iserver/secdef/info?conid={AAPL}&sectype=OPT&month=MAR26&strike=350&right=C"
    conid = (await reader.get(path))[0]["conid"]
    stream, shown = await (await reader.stream()).welcomed(), Shown()
    await stream.say(f"sbd+{ACCOUNT}+{conid}")
    shown.hear(await stream.next("sbd"))
    assert min(price(row) for row in shown.rows.values()) > 0
    assert [shown.side("bid"), shown.side("ask")] == sides(reader, conid)
