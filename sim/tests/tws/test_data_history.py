"""The past over the wire: bars, the ones under way, sessions, histograms, ticks; and what is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from ibkr_sim.exchange.prices.ticks import Source

if TYPE_CHECKING:
    from sim.tests.tws.conftest import House, Message, Wire

AAPL, EUR_USD = 265598, 12087792
START = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
BARS = "1 secs, 5 secs, 10 secs, 15 secs, 30 secs, 1 min, 2 mins, 3 mins, 5 mins, 10 mins, 15 mins, 20 mins, 30 mins, "
BARS += "1 hour, 2 hours, 3 hours, 4 hours, 8 hours, 1 day, 1W, 1M"


def bars(
    request_id: int,
    duration: str,
    size: str,
    *,
    what: str = "TRADES",
    end: str = "",
    rth: int = 1,
    form: int = 2,
    keep: int = 0,
    conid: int = AAPL,
) -> list[object]:
    return [20, request_id, conid, *[""] * 6, "SMART", *[""] * 4, 0, end, size, duration, rth, what, form, keep, ""]


def rows(message: Message, version: int = 178) -> list[dict[str, Any]]:
    """The bars of a message 17, decoded by the layout of its version."""
    fields = message[2:] if version >= 196 else message[4:]
    count, cells = int(fields[0]), fields[1:]
    assert len(cells) == 8 * count
    names = ("date", "open", "high", "low", "close", "volume", "average", "count")
    return [dict(zip(names, cells[place * 8 : place * 8 + 8], strict=True)) for place in range(count)]


async def told(wire: Wire, *request: object) -> list[dict[str, Any]]:
    return rows((await wire.ask(*request))[0], wire.version)


def code(messages: list[Message]) -> list[str]:
    """Of the refusal that was the only answer: id, code."""
    (message,) = messages
    assert message[0] == "4"
    return message[2:4]


@pytest.mark.parametrize("version", [157, 165, 174, 178, 186, 194, 196, 200])
async def test_bars_come_in_the_layout_of_the_clients_version(house: House, version: int) -> None:
    wire = await house.client(version=version)
    heard = await wire.ask(*bars(1, "2 D", "1 hour", form=1))
    assert [message[0] for message in heard] == (["17", "108"] if version >= 196 else ["17"])
    span = heard[1][2:] if version >= 196 else heard[0][2:4]
    zoned = version >= 174
    assert span == [f"20260{day} 10:00:00 US/Eastern" if zoned else f"20260{day}  10:00:00" for day in ("228", "302")]
    dates = [row["date"] for row in rows(heard[0], version)]
    first = "20260227 09:30:00 US/Eastern" if zoned else "20260227  09:30:00"
    assert (dates[0], len(dates)) == (first, 9)


@pytest.mark.parametrize("size", BARS.split(", "))
async def test_every_size_of_bar_tiles_its_time_without_overlap(house: House, size: str) -> None:
    wire = await house.client()
    small = "secs" in size
    duration = "600 S" if small else "2 D" if "min" in size or "hour" in size else "1 Y"
    found = await told(wire, *bars(1, duration, size, rth=0))
    times = [int(row["date"]) for row in found]
    assert times == sorted(set(times))
    assert all(
        Decimal(row["low"]) <= min(Decimal(row["open"]), Decimal(row["close"]))
        and Decimal(row["high"]) >= max(Decimal(row["open"]), Decimal(row["close"]))
        for row in found
    )
    if small:
        steps = {after - before for before, after in pairwise(times)}
        assert steps == {int(size.partition(" ")[0])}


async def test_bars_of_seconds_and_minutes_add_up_to_those_of_hours(house: House) -> None:
    wire = await house.client()
    house.simulator.exchange.quote(AAPL)
    house.advance(minutes=30)
    (hour,) = await told(wire, *bars(1, "1800 S", "30 mins", rth=0, end="20260302-15:30:00"))
    for request_id, size in ((2, "1 min"), (3, "5 secs")):
        parts = await told(wire, *bars(request_id, "1800 S", size, rth=0, end="20260302-15:30:00"))
        assert sum(Decimal(row["volume"]) for row in parts) == Decimal(hour["volume"])
        assert sum(int(row["count"]) for row in parts) == int(hour["count"])
        assert max(Decimal(row["high"]) for row in parts) == Decimal(hour["high"])
        assert (parts[0]["open"], parts[-1]["close"]) == (hour["open"], hour["close"])
        value = sum(Decimal(row["average"]) * Decimal(row["volume"]) for row in parts)
        assert abs(value / Decimal(hour["volume"]) - Decimal(hour["average"])) < Decimal("0.002")


async def test_the_past_before_the_opening_agrees_with_itself_at_every_size(house: House) -> None:
    wire = await house.client()
    for request_id, whole, parts in (
        (1, ("3600 S", "1 hour"), ("3600 S", "1 min")),
        (3, ("1 W", "1W"), ("1 W", "1 day")),
    ):
        end = "20260227-21:00:00"
        (large,) = await told(wire, *bars(request_id, *whole, end=end))
        small = await told(wire, *bars(request_id + 1, *parts, end=end))
        assert (small[0]["open"], small[-1]["close"]) == (large["open"], large["close"])
        assert max(Decimal(row["high"]) for row in small) == Decimal(large["high"])
        assert min(Decimal(row["low"]) for row in small) == Decimal(large["low"])
        assert sum(Decimal(row["volume"]) for row in small) == Decimal(large["volume"])


async def test_the_last_bar_ends_at_the_price_that_is_traded(house: House) -> None:
    wire = await house.client()
    house.simulator.exchange.quote(AAPL)
    house.advance(minutes=5)
    quote = house.simulator.exchange.quote(AAPL)
    assert quote.bid is not None
    assert quote.ask is not None
    expected = {"TRADES": quote.last, "BID": quote.bid, "ASK": quote.ask, "MIDPOINT": (quote.bid + quote.ask) / 2}
    for request_id, (what, price) in enumerate(expected.items(), 1):
        for size in ("1 min", "30 secs"):
            row = (await told(wire, *bars(request_id, "300 S", size, what=what)))[-1]
            assert Decimal(row["close"]) == price
            assert (row["volume"] == "-1") == (what != "TRADES")
    spread = (await told(wire, *bars(9, "300 S", "5 mins", what="BID_ASK")))[-1]
    assert Decimal(spread["low"]) <= Decimal(spread["open"]) < Decimal(spread["close"]) <= Decimal(spread["high"])


async def test_an_end_is_taken_in_utc_in_a_zone_or_in_the_logins(house: House) -> None:
    wire = await house.client()
    answers = []
    for request_id, end in enumerate(("20260227-17:00:00", "20260227 12:00:00 US/Eastern", "20260227 12:00:00"), 1):
        heard = await wire.ask(*bars(request_id, "1 D", "1 hour", end=end))
        answers.append([row["date"] for row in rows(heard[-1])])
        assert [message[3] for message in heard[:-1]] == (["2174"] if request_id == 3 else [])
    assert answers[0] == answers[1] == answers[2]
    assert int(answers[0][-1]) == datetime(2026, 2, 27, 16, 0, tzinfo=UTC).timestamp()


async def test_days_weeks_and_months_are_dated_by_their_trading_day(house: House) -> None:
    wire = await house.client()
    days = [row["date"] for row in await told(wire, *bars(1, "1 W", "1 day"))]
    assert days == ["20260224", "20260225", "20260226", "20260227", "20260302"]
    assert [row["date"] for row in await told(wire, *bars(2, "2 W", "1 week"))] == ["20260220", "20260227", "20260302"]
    assert [row["date"] for row in await told(wire, *bars(3, "2 M", "1 month"))][-2:] == ["20260227", "20260302"]


async def test_a_currency_has_quotes_to_show_but_no_trades(house: House) -> None:
    wire = await house.client()
    (refused,) = await wire.ask(*bars(1, "1 D", "1 hour", conid=EUR_USD))
    assert refused[2:4] == ["1", "162"]
    assert "EUR/CASH" in refused[4]
    assert await told(wire, *bars(2, "1 D", "1 hour", conid=EUR_USD, what="MIDPOINT"))


@pytest.mark.parametrize(
    ("request_", "expected", "text"),
    [
        (bars(1, "1 D", "1 sec"), "321", "Legal ones are: 1 secs, 5 secs"),
        (bars(1, "1 D", "7 mins"), "321", "bar size setting is invalid"),
        (bars(1, "1 X", "1 day"), "321", "duration"),
        (bars(1, "400 D", "1 day"), "321", "durations longer than 365 days must be made in years"),
        (bars(1, "90000 S", "1 min"), "321", "must be made in days"),
        (bars(1, "1 D", "1 min", what="GOSSIP"), "321", "What to show"),
        (bars(1, "1 D", "1 min", end="yesterday"), "10314", "The correct format is"),
        (bars(1, "1 D", "1 min", end="20260227-17:00:00", keep=1), "321", "End date"),
        (bars(1, "1 D", "1 day", what="ADJUSTED_LAST", end="20260227-17:00:00"), "321", "adjusted last"),
        (bars(1, "1 D", "1 secs"), "162", "invalid step: 1"),
        (bars(1, "1 Y", "1 min"), "162", "Time length exceed max."),
        (bars(1, "60 S", "5 secs", end="20250227-17:00:00"), "162", "HMDS query returned no data: AAPL@SMART Trades"),
        (bars(1, "1 D", "1 hour", what="FEE_RATE"), "162", "HMDS query returned no data"),
        (bars(1, "1 D", "1 hour", conid=1), "200", "No security definition"),
        (bars(1, "1 D", "1 hour", what="SCHEDULE"), "321", "1 day bar size"),
    ],
)
async def test_what_cannot_be_had_is_refused(house: House, request_: list[object], expected: str, text: str) -> None:
    wire = await house.client()
    (message,) = await wire.ask(*request_)
    assert message[2:4] == ["1", expected]
    assert text in message[4]


async def test_small_bars_are_paced_over_all_clients(house: House) -> None:
    first, second = await house.client(1), await house.client(2)
    assert await told(first, *bars(1, "60 S", "5 secs"))
    assert code(await second.ask(*bars(1, "60 S", "5 secs"))) == ["1", "162"]
    for request_id in range(2, 6):
        assert await told(first, *bars(request_id, f"{request_id}0 S", "5 secs"))
    assert code(await first.ask(*bars(6, "90 S", "5 secs"))) == ["6", "162"]
    assert await told(first, *bars(6, "1 D", "1 min")), "bars of a minute are not"
    house.advance(seconds=2)
    assert await told(first, *bars(6, "90 S", "5 secs"))
    house.advance(seconds=15)
    assert await told(second, *bars(1, "60 S", "5 secs"))


async def test_sixty_small_requests_fill_ten_minutes_and_quotes_of_both_sides_count_twice(house: House) -> None:
    wire = await house.client()
    admitted = 0
    for request_id in range(1, 40):
        house.advance(seconds=3)
        answer = await wire.ask(*bars(request_id, f"{request_id + 30} S", "1 secs", what="BID_ASK"))
        admitted += answer[0][0] == "17"
    assert admitted == 30
    house.advance(minutes=10)
    assert await told(wire, *bars(50, "40 S", "1 secs"))


async def test_pacing_can_be_switched_off(open_house: Callable[..., Any]) -> None:
    wire = await (await open_house(pacing=False)).client()
    assert await told(wire, *bars(1, "60 S", "5 secs")) == await told(wire, *bars(2, "60 S", "5 secs"))


async def test_what_is_kept_up_to_date_is_what_is_asked_for_later(house: House) -> None:
    wire = await house.client()
    shown = {row["date"]: row for row in await told(wire, *bars(1, "60 S", "5 secs", rth=0, keep=1))}
    updates: list[Message] = []
    for _time in range(6):
        house.advance(seconds=3)
        await asyncio.sleep(0.03)
        updates += await wire.settle()
    assert {(message[0], message[1], len(message)) for message in updates} == {("90", "1", 10)}
    names = ("count", "date", "open", "close", "high", "low", "average", "volume")
    for message in updates:
        row = dict(zip(names, message[2:], strict=True))
        shown[row["date"]] = row
    later = await told(wire, *bars(2, "60 S", "5 secs", rth=0))
    assert later == [shown[row["date"]] for row in later]
    assert len({row["date"] for row in later} & {message[3] for message in updates}) == 4
    heard = await wire.ask(25, 1, 1)
    assert heard[0][2:4] == ["1", "162"]
    assert heard[0][4].endswith("API historical data query cancelled: 1")
    assert code(await wire.ask(25, 1, 1)) == ["1", "366"]
    house.advance(seconds=10)
    await asyncio.sleep(0.03)
    assert await wire.settle() == []


@pytest.mark.parametrize("rth", [0, 1])
@pytest.mark.parametrize("hours", [12, 5 * 24], ids=["at night", "at the weekend"])
async def test_while_it_is_always_open_a_day_lasts_until_the_next_one(house: House, rth: int, hours: int) -> None:
    wire = await house.client()
    house.advance(hours=hours, seconds=30)
    minutes = await told(wire, *bars(1, "1 D", "1 min", rth=rth, keep=1))
    assert int(minutes[-1]["date"]) == int((START + timedelta(hours=hours)).timestamp())
    house.advance(seconds=61)
    await asyncio.sleep(0.03)
    assert {message[0] for message in await wire.settle()} == {"90"}
    later = await told(wire, *bars(2, "1 D", "1 min", rth=rth))
    assert len(later) == len(minutes) + 1
    assert all(int(after["date"]) - int(before["date"]) == 60 for before, after in pairwise(later))
    (day,) = await told(wire, *bars(3, "1 D", "1 day", rth=rth))
    assert Decimal(day["volume"]) == sum(Decimal(row["volume"]) for row in later)
    assert Decimal(day["high"]) == max(Decimal(row["high"]) for row in later)


async def test_with_an_exchanges_hours_nothing_comes_at_night(open_house: Callable[..., Any]) -> None:
    house: House = await open_house(always_open=False)
    wire = await house.client()
    house.advance(hours=12)
    minutes = await told(wire, *bars(1, "1 D", "1 min", rth=0, keep=1))
    assert int(minutes[-1]["date"]) == int(START.replace(hour=0, minute=59).timestamp()) + 24 * 3600
    house.advance(seconds=61)
    await asyncio.sleep(0.03)
    assert await wire.settle() == []


@pytest.mark.parametrize("size", ["1 hour", "1 day", "1W", "1M"])
async def test_a_long_bar_grows_and_gives_way_to_the_next_trading_day(house: House, size: str) -> None:
    wire = await house.client()
    before = (await told(wire, *bars(1, "1 M", size, keep=1, form=1)))[-1]
    house.advance(minutes=30)
    await asyncio.sleep(0.03)
    same = (await wire.settle())[-1]
    assert same[3] == before["date"]
    assert Decimal(same[9]) > Decimal(before["volume"])
    house.advance(days=1)
    await asyncio.sleep(0.1)
    last = (await wire.settle())[-1]
    (later,) = (await told(wire, *bars(2, "1 M", size, form=1)))[-1:]
    assert (last[3], last[5], last[9]) == (later["date"], later["close"], later["volume"])


async def test_bars_as_they_come_share_the_lines_of_quotes(open_house: Callable[..., Any]) -> None:
    house: House = await open_house(market_data_lines=1)
    wire = await house.client()
    await wire.ask(*bars(1, "1 D", "1 day", keep=1))
    assert code(await wire.ask(1, 11, 2, AAPL, *[""] * 6, "SMART", *[""] * 4, 0, "", 0, 0, "")) == ["2", "101"]


@pytest.mark.parametrize("version", [165, 200])
async def test_a_schedule_is_the_trading_days(house: House, version: int) -> None:
    wire = await house.client(version=version)
    (message,) = await wire.ask(*bars(1, "1 M", "1 day", what="SCHEDULE"))
    assert message[:6] == ["106", "1", "20260130-09:30:00", "20260302-16:00:00", "US/Eastern", "21"]
    assert message[6:9] == ["20260130-09:30:00", "20260130-16:00:00", "20260130"]
    assert "20260216" not in message  # Presidents' Day
    assert len(message) == 6 + 3 * 21


async def test_a_client_too_old_for_schedules_is_told_so(house: House) -> None:
    wire = await house.client(version=164)
    assert code(await wire.ask(*bars(1, "1 M", "1 day", what="SCHEDULE"))) == ["1", "321"]


async def test_data_begin_where_the_head_time_stamp_says(house: House) -> None:
    wire = await house.client()
    contract = [AAPL, *[""] * 6, "SMART", *[""] * 4]
    assert await wire.ask(87, 1, *contract, 0, 1, "TRADES", 1) == [["88", "1", "20050103-14:30:00"]]
    assert await wire.ask(87, 2, *contract, 0, 1, "TRADES", 2) == [["88", "2", "1104762600"]]
    assert await wire.ask(90, 2) == []
    days = await told(wire, *bars(3, "1 Y", "1 day", end="20050201-00:00:00"))
    assert days[0]["date"] == "20050103"
    assert code(await wire.ask(*bars(4, "1 D", "1 hour", end="20041224-00:00:00"))) == ["4", "162"]


async def test_a_histogram_holds_the_volume_of_its_period(house: House) -> None:
    wire = await house.client()
    (message,) = await wire.ask(88, 1, AAPL, *[""] * 6, "SMART", *[""] * 4, 0, 1, "2 days")
    assert len(message) == 3 + 2 * int(message[2])
    prices = [Decimal(price) for price in message[3::2]]
    assert prices == sorted(set(prices))
    minutes = await told(wire, *bars(2, "2 D", "1 min"))
    assert sum(map(int, message[4::2])) == sum(Decimal(row["volume"]) for row in minutes)
    assert code(await wire.ask(88, 3, AAPL, *[""] * 6, "SMART", *[""] * 4, 0, 1, "many days")) == ["3", "321"]
    assert await wire.ask(89, 1) == []


def ticks(request_id: int, what: str, most: int, *, start: str = "", end: str = "", rth: int = 0) -> list[object]:
    return [96, request_id, AAPL, *[""] * 6, "SMART", *[""] * 4, 0, start, end, most, what, rth, 0, ""]


async def test_ticks_of_the_past_are_the_trades_and_quotes_that_were(house: House) -> None:
    wire = await house.client()
    exchange = house.simulator.exchange
    seen: list[list[str]] = []
    exchange.subscribe(lambda event: seen.append(_trade(event)) if getattr(event, "traded", None) else None)
    exchange.quote(AAPL)
    house.advance(minutes=1)
    (message,) = await wire.ask(*ticks(1, "TRADES", 1000, start="20260302-15:00:01"))
    assert message[0] == "98"
    assert message[-1] == "1"
    found = [message[3 + place * 6 : 9 + place * 6] for place in range(int(message[2]))]
    assert [[row[0], row[2], row[3]] for row in found] == [row for row in seen if int(row[0]) > int(found[0][0]) - 1]
    assert {row[4] for row in found} == {"NASDAQ"}
    (spreads,) = await wire.ask(*ticks(2, "Bid_Ask", 10, end="20260302-15:01:00"))
    last, quote = spreads[-7:-1], exchange.quote(AAPL)
    assert [Decimal(field) for field in last[2:]] == [quote.bid, quote.ask, quote.bid_size, quote.ask_size]
    (middles,) = await wire.ask(*ticks(3, "MIDPOINT", 10, end="20260302-15:01:00"))
    assert quote.bid is not None
    assert quote.ask is not None
    assert Decimal(middles[-3]) == (quote.bid + quote.ask) / 2


def _trade(event: Any) -> list[str]:
    return [str(int(event.quote.time.timestamp())), f"{event.quote.last:f}".rstrip("0").rstrip("."), str(event.traded)]


async def test_ticks_reach_back_over_closed_days_and_never_cut_a_second(house: House) -> None:
    wire = await house.client()
    (message,) = await wire.ask(*ticks(1, "TRADES", 1000, end="20260301-12:00:00", rth=1))
    times = [int(time) for time in message[3:-1:6]]
    assert len(times) >= 1000
    assert times == sorted(times)
    assert datetime.fromtimestamp(times[-1], UTC) >= datetime(2026, 2, 27, 20, 59, tzinfo=UTC)
    for request_id, wrong in enumerate(
        (ticks(2, "TRADES", 1000), ticks(2, "TRADES", 1001, end="20260301-12:00:00")), 2
    ):
        wrong[1] = request_id
        assert code(await wire.ask(*wrong)) == [str(request_id), "10187"]
    assert code(await wire.ask(*ticks(9, "TRADES", 1000, end="20260301-12:00:00", rth=1))) == ["9", "162"]


async def test_what_is_no_longer_known_tick_by_tick_agrees_with_its_minutes(house: House) -> None:
    """Only about an hour is kept of every tick; bars of seconds before that follow the minute's course."""
    exchange = house.simulator.exchange
    exchange.quote(AAPL)
    house.advance(hours=3)
    record = exchange.record(AAPL)
    start = datetime(2026, 3, 2, 15, 5, tzinfo=UTC)
    spans = [(start + timedelta(seconds=5 * place), start + timedelta(seconds=5 * place + 5)) for place in range(12)]
    for source in (Source.TRADES, Source.MIDPOINT):
        parts = record.bars(source, spans)
        (minute,) = record.bars(source, [(start, start + timedelta(minutes=1))])
        assert (parts[0].open, parts[-1].close) == (minute.open, minute.close)
        assert max(bar.high for bar in parts) == minute.high
        assert min(bar.low for bar in parts) == minute.low
    told_then = record.trades(start, start + timedelta(minutes=1), 100, backwards=False)
    assert told_then
    (minute,) = record.bars(Source.TRADES, [(start, start + timedelta(minutes=1))])
    assert all(minute.low <= tick.price <= minute.high for tick in told_then)
