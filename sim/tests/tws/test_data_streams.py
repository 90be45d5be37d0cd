"""What is told as it happens: generic ticks, bars of five seconds, single ticks, books level by level."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from ibkr_sim.exchange.model import OrderRequest, QuoteChanged, Side
from ibkr_sim.exchange.prices.ticks import Source
from ibkr_sim.tws.settings import Entitlement

if TYPE_CHECKING:
    from sim.tests.tws.conftest import House, Message, Wire

AAPL, EUR_USD = 265598, 12087792
START = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


def stock(exchange: str = "SMART", conid: int = AAPL) -> list[object]:
    return [conid, *[""] * 6, exchange, *[""] * 4]


def quotes(request_id: int, generic: str = "", *, snapshot: int = 0, regulatory: int = 0) -> list[object]:
    return [1, 11, request_id, *stock(), 0, generic, snapshot, regulatory, ""]


def code(messages: list[Message]) -> list[str]:
    """Of the refusal that was the only answer: id, code."""
    (message,) = messages
    assert message[0] == "4"
    return message[2:4]


def ticks(messages: list[Message]) -> dict[int, str]:
    """The latest value of each kind of tick."""
    return {int(message[3]): message[4] for message in messages if message[0] in {"1", "2", "45", "46"}}


async def later(house: House, wire: Wire, **duration: float) -> list[Message]:
    """What is told while time passes, and at the next look of the door at the clock."""
    house.advance(**duration)
    await asyncio.sleep(0.03)
    return await wire.settle()


async def test_generic_ticks_say_what_the_exchange_knows(house: House) -> None:
    wire = await house.client()
    exchange = house.simulator.exchange
    exchange.quote(AAPL)
    house.advance(minutes=12)
    told = ticks(await wire.ask(*quotes(1, "100,104,165,221,236,293,294,295,318,411,456,595")))
    quote, (count, _turnover) = exchange.quote(AAPL), exchange.day_trades(AAPL)
    assert {Decimal(told[kind]) for kind in (4, 37, 57)} == {quote.last}
    assert int(told[54]) == count
    minute = [(exchange.now() - timedelta(seconds=59), exchange.now() + timedelta(seconds=1))]
    (bar,) = exchange.record(AAPL).bars(Source.TRADES, minute)
    assert (int(told[55]), Decimal(told[56])) == (bar.count, bar.volume)
    assert Decimal(told[63]) < Decimal(told[64]) < Decimal(told[65]) <= quote.volume
    assert Decimal(told[19]) <= Decimal(told[17]) <= Decimal(told[15]) < Decimal(told[16]) <= Decimal(told[20])
    assert 0 < float(told[23]) < 1
    assert 0 < float(told[58]) < 1
    assert (told[46], Decimal(told[21]) > 0, Decimal(told[89]) > 0) == ("3", True, True)
    assert not {27, 28, 29, 30, 59} & told.keys()
    moved = ticks(await later(house, wire, seconds=10))
    assert int(moved[54]) == exchange.day_trades(AAPL)[0] > count


async def test_every_trade_is_told_in_full_whoever_asks(house: House) -> None:
    wire = await house.client()
    trades: list[QuoteChanged] = []
    house.simulator.exchange.subscribe(
        lambda event: trades.append(event) if isinstance(event, QuoteChanged) and event.traded else None
    )
    await wire.ask(*quotes(1, "mdoff,233"))
    told = await later(house, wire, seconds=30)
    assert {tuple(message[:4]) for message in told} == {("46", "6", "1", "48")}
    assert len(told) == len(trades) > 2
    price, size, time, volume, average, single = told[-1][4].split(";")
    last = trades[-1].quote
    assert [Decimal(price), Decimal(size), Decimal(volume)] == [last.last, trades[-1].traded, last.volume]
    assert (int(time), single) == (int(last.time.timestamp() * 1000), "true")
    _count, turnover = house.simulator.exchange.day_trades(AAPL)
    assert abs(Decimal(average) - turnover / last.volume) < Decimal("0.0001")


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (quotes(1, "233,9999"), "321"),
        (quotes(1, "233", snapshot=1), "321"),
        (quotes(1, snapshot=1, regulatory=1), "10089"),
    ],
)
async def test_a_senseless_request_for_quotes_is_refused(house: House, request_: list[object], expected: str) -> None:
    wire = await house.client()
    assert code(await wire.ask(*request_)) == ["1", expected]


async def test_who_can_be_sold_short_is_told_as_it_changes(house: House) -> None:
    wire = await house.client()
    told = ticks(await wire.ask(*quotes(1, "236")))
    assert (told[46], told[89]) == ("3", "10000000")
    house.simulator.exchange.lend(AAPL, Decimal(500))
    told = ticks(await later(house, wire, seconds=2))
    assert (told[46], told[89]) == ("2", "500")


async def test_delayed_quotes_have_no_generic_ticks(open_house: Callable[..., Any]) -> None:
    wire = await (await open_house(entitlement=Entitlement.DELAYED)).client()
    await wire.ask(59, 1, 3)
    told = ticks(await wire.ask(*quotes(1, "221,233,293")))
    assert {66, 67, 88, 90} <= told.keys()
    assert not {1, 2, 37, 54} & told.keys()


def real_time(request_id: int, what: str = "TRADES", *, size: int = 5, rth: int = 0, conid: int = AAPL) -> list[object]:
    return [50, 3, request_id, *stock(conid=conid), size, what, rth, ""]


async def test_bars_of_five_seconds_are_what_history_tells_later(house: House) -> None:
    wire = await house.client()
    assert await wire.ask(*real_time(1)) == []
    assert await wire.ask(*real_time(2, "MIDPOINT")) == []
    told: list[Message] = []
    for _time in range(10):
        told += await later(house, wire, seconds=2)
    assert {len(message) for message in told} == {11}
    own = [message for message in told if message[2] == "1"]
    assert [int(message[3]) for message in own] == [int(START.timestamp()) + 5 * place for place in range(4)]
    record = house.simulator.exchange.record(AAPL)
    for message in told:
        start = datetime.fromtimestamp(int(message[3]), UTC)
        source = Source.TRADES if message[2] == "1" else Source.MIDPOINT
        (bar,) = record.bars(source, [(start, start + timedelta(seconds=5))])
        assert [Decimal(field) for field in message[4:8]] == [bar.open, bar.high, bar.low, bar.close]
        assert Decimal(message[8]) == (bar.volume if source is Source.TRADES else -1)
    assert await wire.ask(51, 1, 1) == []
    assert code(await wire.ask(51, 1, 1)) == ["1", "300"]


@pytest.mark.parametrize(("rth", "hours"), [(1, 6), (0, 10)])
async def test_bars_of_five_seconds_end_with_the_hours_that_were_asked_for(
    open_house: Callable[..., Any], rth: int, hours: int
) -> None:
    house: House = await open_house(always_open=False)
    wire = await house.client()
    house.advance(hours=hours, seconds=-10)
    await wire.ask(*real_time(1, rth=rth))
    told = await later(house, wire, seconds=60)
    assert [message[0] for message in told] == ["50", "50"], "the last ten seconds before the close"


@pytest.mark.parametrize("rth", [0, 1])
@pytest.mark.parametrize("hours", [12, 5 * 24], ids=["at night", "at the weekend"])
async def test_what_is_always_open_has_bars_of_five_seconds_at_any_hour(house: House, rth: int, hours: int) -> None:
    wire = await house.client()
    house.advance(hours=hours)
    await wire.ask(*real_time(1, rth=rth))
    assert len(await later(house, wire, seconds=10)) == 2


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (real_time(1, size=10), "321"),
        (real_time(1, "BID_ASK"), "321"),
        (real_time(1, conid=EUR_USD), "420"),
        (real_time(1, conid=1), "200"),
    ],
)
async def test_other_real_time_bars_are_refused(house: House, request_: list[object], expected: str) -> None:
    wire = await house.client()
    assert code(await wire.ask(*request_)) == ["1", expected]


async def test_real_time_bars_are_paced_as_history_is(house: House) -> None:
    wire = await house.client()
    for request_id in range(1, 6):
        assert await wire.ask(*real_time(request_id)) == []
    assert code(await wire.ask(*real_time(6))) == ["6", "420"]


def single(request_id: int, kind: str, *, most: int = 0, ignore: int = 0, conid: int = AAPL) -> list[object]:
    return [97, request_id, *stock(conid=conid), kind, most, ignore]


async def test_single_ticks_are_every_trade_and_every_quote(house: House) -> None:
    wire = await house.client()
    events: list[QuoteChanged] = []
    house.simulator.exchange.subscribe(lambda event: events.append(event) if isinstance(event, QuoteChanged) else None)
    heard = await wire.ask(*single(1, "AllLast"))
    heard += await wire.ask(*single(2, "BidAsk"))
    heard += await wire.ask(*single(3, "MidPoint"))
    assert [message[:3] for message in heard] == [["99", "2", "3"], ["99", "3", "4"]]
    heard += await later(house, wire, seconds=30)
    trades = [event for event in events if event.traded]
    last = [message for message in heard if message[1] == "1"]
    assert {(message[2], len(message)) for message in last} == {("2", 9)}
    assert [[Decimal(field) for field in message[4:6]] for message in last] == [
        [event.quote.last, event.traded] for event in trades
    ]
    spreads = [[Decimal(field) for field in message[4:8]] for message in heard if message[1] == "2"]
    assert all(before != after for before, after in pairwise(spreads))
    assert {len(message) for message in heard if message[1] == "2"} == {9}
    quote = house.simulator.exchange.quote(AAPL)
    assert spreads[-1] == [quote.bid, quote.ask, quote.bid_size, quote.ask_size]
    middles = [message for message in heard if message[1] == "3"]
    assert {len(message) for message in middles} == {5}
    assert quote.bid is not None
    assert quote.ask is not None
    assert Decimal(middles[-1][4]) == (quote.bid + quote.ask) / 2
    assert await wire.ask(98, 1) == []
    assert code(await wire.ask(98, 1)) == ["1", "300"]


async def test_single_ticks_may_begin_with_those_of_the_past(house: House) -> None:
    wire = await house.client()
    (past,) = await wire.ask(*single(1, "Last", most=5))
    assert past[:3] == ["98", "1", "5"]
    assert [message[0] for message in await wire.ask(*single(2, "BidAsk", most=5, ignore=1))] == ["97", "99"]
    sizes = [message for message in await later(house, wire, seconds=20) if message[:2] == ["99", "2"]]
    prices = [message[4:6] for message in sizes]
    assert all(before != after for before, after in pairwise(prices))


async def test_single_ticks_are_limited(open_house: Callable[..., Any]) -> None:
    house: House = await open_house(depth_lines=2)
    wire = await house.client()
    assert await wire.ask(*single(1, "Last")) == []
    assert code(await wire.ask(*single(1, "Last"))) == ["1", "102"]
    assert code(await wire.ask(*single(2, "Last"))) == ["2", "10189"], "once in fifteen seconds"
    assert code(await wire.ask(*single(2, "Gossip"))) == ["2", "321"]
    assert code(await wire.ask(*single(2, "Last", conid=EUR_USD))) == ["2", "10189"]
    await wire.ask(*single(2, "MidPoint", conid=EUR_USD))
    assert code(await wire.ask(*single(3, "MidPoint"))) == ["3", "10190"]


class Shown:
    """A book as a client keeps it: rows are inserted, updated and deleted at their places."""

    def __init__(self) -> None:
        self.sides: dict[str, list[list[str]]] = {"0": [], "1": []}

    def apply(self, messages: list[Message]) -> None:
        for message in messages:
            smart = message[0] == "13"
            venue = message[4] if smart else ""
            place, operation, side, price, size = [message[3], *message[5 if smart else 4 :][:4]]
            rows = self.sides[side]
            if operation == "2":
                del rows[int(place)]
            elif operation == "0":
                rows.insert(int(place), [price, size, venue])
            else:
                rows[int(place)] = [price, size, venue]

    def levels(self, side: str) -> list[tuple[Decimal, Decimal]]:
        """Prices with their whole sizes."""
        found: dict[Decimal, Decimal] = {}
        for price, size, _venue in self.sides[side]:
            found[Decimal(price)] = found.get(Decimal(price), Decimal(0)) + Decimal(size)
        return list(found.items())


def books(request_id: int, exchange: str = "NASDAQ", rows: int = 5, *, smart: int = 0) -> list[object]:
    return [10, 5, request_id, *stock(exchange), rows, smart, ""]


async def test_a_book_follows_the_exchange_level_by_level(house: House) -> None:
    wire = await house.client()
    shown = Shown()
    shown.apply(await wire.ask(*books(1)))
    for _time in range(8):
        quote = house.simulator.exchange.quote(AAPL)
        depth = house.simulator.exchange.depth(AAPL, 5)
        assert shown.levels("1") == [(level.price, level.size) for level in depth.bids]
        assert shown.levels("0") == [(level.price, level.size) for level in depth.asks]
        assert (shown.levels("1")[0], shown.levels("0")[0]) == (
            (quote.bid, quote.bid_size),
            (quote.ask, quote.ask_size),
        )
        house.advance(seconds=3)
        shown.apply(await wire.settle())
    assert await wire.ask(11, 1, 1, 0) == []
    house.advance(seconds=3)
    assert await wire.settle() == []
    assert code(await wire.ask(11, 1, 1, 0)) == ["1", "310"]


async def test_an_order_stands_in_the_book_and_leaves_it(house: House) -> None:
    wire, trader = await house.client(1), await house.client(2)
    shown = Shown()
    shown.apply(await wire.ask(*books(1)))
    ask = house.simulator.exchange.depth(AAPL, 3).asks
    second = ask[1].price
    await trader.place(1, action="SELL", quantity=70, kind="LMT", limit=second)
    shown.apply(await wire.settle())
    assert shown.levels("0")[1] == (second, ask[1].size + 70)
    await trader.ask(4, 1, "", *([""] if trader.version >= 169 else []))
    await trader.ask(58, 1)
    shown.apply(await wire.settle())
    assert shown.levels("0")[1] == (second, ask[1].size)


async def test_a_large_order_trades_at_the_levels_that_were_shown(house: House) -> None:
    wire = await house.client()
    levels = house.simulator.exchange.depth(AAPL, 3).asks
    size = levels[0].size + levels[1].size + 10
    told = await wire.place(1, quantity=size, kind="LMT", limit=levels[2].price)
    fills = [(Decimal(message[20]), Decimal(message[19])) for message in told if message[0] == "11"]
    expected = [(levels[0].price, levels[0].size), (levels[1].price, levels[1].size), (levels[2].price, Decimal(10))]
    assert fills == expected


async def test_the_smart_book_names_the_exchanges_of_each_level(house: House) -> None:
    wire = await house.client()
    heard = await wire.ask(*books(1, "SMART", rows=20, smart=1))
    assert {(message[0], len(message), message[-1]) for message in heard} == {("13", 10, "1")}
    shown = Shown()
    shown.apply(heard)
    (components,) = await wire.ask(83, 9, "9c0001")
    venues = set(components[4::3])
    assert {row[2] for row in shown.sides["0"]} <= venues
    depth = house.simulator.exchange.depth(AAPL, 20)
    assert shown.levels("0")[0] == (depth.asks[0].price, depth.asks[0].size)
    assert len(shown.sides["0"]) == 20


async def test_books_are_limited_and_only_where_they_exist(house: House) -> None:
    wire = await house.client()
    assert code(await wire.ask(*books(1, "SMART"))) == ["1", "10092"]
    assert code(await wire.ask(*books(1, "NASDAQ", smart=1))) == ["1", "10092"]
    assert code(await wire.ask(*books(1, rows=0))) == ["1", "321"]
    for request_id in (1, 2, 3):
        await wire.ask(*books(request_id))
    assert code(await wire.ask(*books(3))) == ["3", "102"]
    assert code(await wire.ask(*books(4))) == ["4", "309"]


async def test_every_stream_ends_when_ibkr_loses_its_data(house: House) -> None:
    wire = await house.client()
    for request in (quotes(1, "233,293"), real_time(2), single(3, "AllLast"), books(4)):
        await wire.ask(*request)
    house.simulator.faults.inject("link_lost", "now", options={})
    house.simulator.faults.inject("link_restored_data_lost", "now", options={})
    assert {"1100", "1101"} <= {message[3] for message in await wire.settle()}
    assert await later(house, wire, seconds=30) == []


async def test_a_halt_is_told_and_its_end(house: House) -> None:
    wire = await house.client()
    first = await wire.ask(*quotes(1))
    assert first[-1] == ["45", "6", "1", "49", "0"]
    house.simulator.exchange.halt(AAPL)
    assert ["45", "6", "1", "49", "1"] in await later(house, wire, seconds=1)
    house.simulator.exchange.resume(AAPL)
    assert ["45", "6", "1", "49", "0"] in await later(house, wire, seconds=1)


@pytest.mark.parametrize(("hidden", "display", "seen"), [(True, None, 0), (False, Decimal(30), 30), (False, None, 70)])
async def test_the_book_shows_of_an_order_what_the_order_shows(
    house: House, hidden: bool, display: Decimal | None, seen: int
) -> None:
    wire = await house.client()
    exchange = house.simulator.exchange
    shown = Shown()
    shown.apply(await wire.ask(*books(1)))
    level = exchange.depth(AAPL, 3).asks[1]
    exchange.place(
        OrderRequest(
            account="DU9912345",
            conid=AAPL,
            side=Side.SELL,
            quantity=Decimal(70),
            order_type="LMT",
            limit_price=level.price,
            hidden=hidden,
            display_size=display,
        )
    )
    shown.apply(await wire.settle())
    assert shown.levels("0")[1] == (level.price, level.size + seen)
