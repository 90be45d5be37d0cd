"""Scanners, news, display groups, exchanges, options: what TWS knows besides prices."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import exp
from typing import TYPE_CHECKING
from xml.etree import ElementTree as Xml

import pytest

from ibkr_sim.exchange.prices.ticks import Source
from ibkr_sim.pricing.black_scholes import Option, implied_volatility, worth

if TYPE_CHECKING:
    from sim.tests.tws.conftest import House, Message

AAPL = 265598
NASDAQ = {"265598", "272093", "4815747"}
UNSET = "1.7976931348623157E308"


def code(messages: list[Message]) -> list[str]:
    """Of the refusal that was the only answer: id, code."""
    (message,) = messages
    assert message[0] == "4"
    return message[2:4]


def scanner(
    request_id: int,
    kind: str = "TOP_PERC_GAIN",
    *,
    rows: int = -1,
    above: object = "",
    place: str = "STK.US.MAJOR",
    tags: str = "",
) -> list[object]:
    own = [above, UNSET, "2147483647", *[UNSET] * 2, *[""] * 6, *[UNSET] * 2]
    return [22, request_id, rows, "STK", place, kind, *own, 0, 2147483647, "", "", tags, ""]


def found(message: Message) -> list[list[str]]:
    assert message[:2] == ["20", "3"]
    count, cells = int(message[3]), message[4:]
    assert len(cells) == 16 * count
    return [cells[place * 16 : place * 16 + 16] for place in range(count)]


async def test_a_scanner_ranks_by_the_exchanges_quotes_and_tells_what_changes(house: House) -> None:
    wire = await house.client()
    exchange = house.simulator.exchange
    house.advance(minutes=2)
    (message,) = await wire.ask(*scanner(1))
    rows = found(message)
    assert [int(row[0]) for row in rows] == list(range(len(rows)))

    def change(conid: str) -> Decimal:
        quote = exchange.quote(int(conid))
        assert quote.last is not None
        assert quote.close is not None
        return (quote.last - quote.close) / quote.close

    changes = [change(row[1]) for row in rows]
    assert changes == sorted(changes, reverse=True)
    house.advance(minutes=1)
    await asyncio.sleep(0.03)
    (later,) = await wire.settle()
    again = [change(row[1]) for row in found(later)]
    assert again == sorted(again, reverse=True)
    (over,) = await wire.ask(23, 1, 1)
    assert over[2:4] == ["1", "162"]
    assert code(await wire.ask(23, 1, 1)) == ["1", "365"]


async def test_rows_filters_and_places_narrow_a_scan(house: House) -> None:
    wire = await house.client()
    (few,) = await wire.ask(*scanner(1, rows=3))
    assert len(found(few)) == 3
    (dear,) = await wire.ask(*scanner(2, above=400, tags="priceBelow=520;", place="STK.NASDAQ"))
    prices = [house.simulator.exchange.quote(int(row[1])).last for row in found(dear)]
    assert prices
    assert all(price is not None and 400 <= price <= 520 for price in prices)
    none, said = await wire.ask(*scanner(3, above=100_000))
    assert (found(none), said[2:4]) == ([], ["3", "165"])


@pytest.mark.parametrize("wrong", [scanner(1, "GOSSIP"), scanner(1, place="MOON"), scanner(1, tags="beauty=1;")])
async def test_a_scanner_that_does_not_exist_is_refused(house: House, wrong: list[object]) -> None:
    assert code(await (await house.client()).ask(*wrong)) == ["1", "162"]


async def test_ten_scanners_run_at_a_time(house: House) -> None:
    wire = await house.client()
    for request_id in range(1, 11):
        await wire.ask(*scanner(request_id))
    assert code(await wire.ask(*scanner(11))) == ["11", "322"]
    assert code(await wire.ask(*scanner(10))) == ["10", "322"]


async def test_every_scanner_that_is_named_can_be_run(house: House) -> None:
    wire = await house.client()
    (message,) = await wire.ask(24, 1)
    assert message[:2] == ["19", "1"]
    tree = Xml.fromstring(message[2].partition("\n")[2])
    codes = [str(row.text) for row in tree.findall("ScanTypeList/ScanType/scanCode")]
    places = [str(row.text) for row in tree.iter("locationCode")]
    for kind in codes:
        assert (await wire.ask(*scanner(1, kind)))[0][0] == "20"
        await wire.ask(23, 1, 1)
    assert {"STK.US", "STK.US.MAJOR", "STK.EU"} <= set(places)


@pytest.mark.parametrize(
    "kind",
    [
        *("HOT_BY_VOLUME", "TOP_VOLUME_RATE", "TOP_TRADE_COUNT", "TOP_TRADE_RATE", "MOST_ACTIVE_USD"),
        *("HOT_BY_PRICE", "HOT_BY_PRICE_RANGE", "HIGH_OPT_IMP_VOLAT", "LOW_OPT_IMP_VOLAT"),
        *("OPT_OPEN_INTEREST_MOST_ACTIVE", "HIGH_OPT_OPEN_INTEREST_PUT_CALL_RATIO"),
    ],
)
async def test_scanners_of_ibkrs_samples_find_something(house: House, kind: str) -> None:
    house.advance(minutes=5)
    (message,) = await (await house.client()).ask(*scanner(1, kind, place="STK.US.MAJOR"))
    assert len(found(message)) > 5


async def test_what_is_hot_is_traded_more_than_usual(house: House) -> None:
    wire, exchange = await house.client(), house.simulator.exchange
    house.advance(minutes=5)
    (message,) = await wire.ask(*scanner(1, "HOT_BY_VOLUME", place="STK.US.MAJOR", rows=50))
    ranked = [int(row[1]) for row in found(message)]
    now = datetime(2026, 3, 2, tzinfo=UTC)

    def heat(conid: int) -> Decimal:
        days = [now - timedelta(days=back) for back in range(3, 8)]
        spans = [(day.replace(hour=14, minute=30), day.replace(hour=21)) for day in days]
        usual = sum(bar.volume for bar in exchange.record(conid).bars(Source.TRADES, spans))
        return exchange.quote(conid).volume / usual

    assert [heat(conid) for conid in ranked] == sorted(map(heat, ranked), reverse=True)


async def test_german_stocks_are_scanned_by_themselves(house: House) -> None:
    wire = await house.client()
    german = scanner(1, "TOP_PERC_GAIN", place="STK.EU.IBIS")
    german[3] = "STOCK.EU"
    (message,) = await wire.ask(*german)
    assert {row[8] for row in found(message)} == {"EUR"}


async def test_news_tell_what_happened_and_no_more_than_has(house: House) -> None:
    wire = await house.client()
    (providers,) = await wire.ask(85)
    assert providers[:2] == ["85", "3"]
    *rows, end = await wire.ask(86, 1, AAPL, "BRFG+DJNL", "", "", 4, "")
    assert end == ["87", "1", "1"]
    assert [row[2] for row in rows] == [
        f"2026-0{time}.0" for time in ("3-02 14:31:00", "2-27 21:00:00", "2-27 14:31:00", "2-26 21:00:00")
    ]
    closing = rows[1]
    day = (datetime(2026, 2, 27, 14, 30, tzinfo=UTC), datetime(2026, 2, 27, 21, 0, tzinfo=UTC))
    (bar,) = house.simulator.exchange.record(AAPL).bars(Source.TRADES, [day])
    assert closing[5] == f"APPLE INC (AAPL) closes at {bar.close} USD"
    (article,) = await wire.ask(84, 2, closing[3], closing[4], "")
    assert article[:3] == ["83", "2", "0"]
    assert f"high {bar.high}, low {bar.low}" in article[3]
    *few, end = await wire.ask(86, 3, AAPL, "BRFG", "2026-02-25 21:00:00.0", "2026-02-27 21:00:00.0", 300, "")
    assert ([row[2][:10] for row in few], end) == (["2026-02-27", "2026-02-26"], ["87", "3", "0"])


async def test_news_that_do_not_exist_are_refused(house: House) -> None:
    wire = await house.client()
    assert code(await wire.ask(86, 1, AAPL, "GOSSIP", "", "", 4, "")) == ["1", "10276"]
    assert code(await wire.ask(86, 1, 1, "BRFG", "", "", 4, "")) == ["1", "321"]
    assert code(await wire.ask(86, 1, AAPL, "BRFG", "soon", "", 4, "")) == ["1", "10314"]
    for name in ("BRFG$40d7e.20260302", "BRFG$40d7e.20260228", "DJNL$40d7e.20260227", "x", "BRFG$zz.zz"):
        assert code(await wire.ask(84, 1, "BRFG", name, "")) == ["1", "10172"]


async def test_news_are_also_a_generic_tick(house: House) -> None:
    wire = await house.client()
    first = await wire.ask(1, 11, 1, AAPL, *[""] * 6, "SMART", *[""] * 4, 0, "mdoff,292:BRFG+DJNL", 0, 0, "")
    news = [message for message in first if message[0] == "84"]
    assert [(len(message), message[3]) for message in news] == [(7, "DJNL")]
    house.advance(hours=6)
    await asyncio.sleep(0.03)
    (closing,) = [message for message in await wire.settle() if message[0] == "84"]
    assert (closing[3], closing[5].startswith("APPLE INC (AAPL) closes at")) == ("BRFG", True)


async def test_a_display_group_shows_everyone_what_one_has_chosen(house: House) -> None:
    first, second = await house.client(1), await house.client(2)
    assert await first.ask(67, 1, 1) == [["67", "1", "1", "1|2|3|4|5|6|7"]]
    assert await first.ask(68, 1, 2, 3) == [["68", "1", "2", "none"]]
    await second.ask(68, 1, 5, 3)
    assert await first.ask(69, 1, 2, f"{AAPL}@SMART") == [["68", "1", "2", f"{AAPL}@SMART"]]
    assert await second.settle() == [["68", "1", "5", f"{AAPL}@SMART"]]
    assert await first.ask(70, 1, 2) == []
    assert code(await first.ask(69, 1, 2, "none")) == ["2", "321"]
    assert code(await first.ask(68, 1, 2, 8)) == ["2", "321"]
    assert code(await second.ask(69, 1, 5, "AAPL")) == ["5", "321"]
    await second.close()
    async with asyncio.timeout(5):
        while len(house.simulator.door.guests) == 2:  # noqa: ASYNC110 - the door has no event for tests
            await asyncio.sleep(0.001)
    assert await first.ask(68, 1, 2, 3) == [["68", "1", "2", f"{AAPL}@SMART"]]


async def test_exchanges_are_those_that_contracts_name(house: House) -> None:
    wire = await house.client()
    (quote, *_rest) = await wire.ask(1, 11, 1, AAPL, *[""] * 6, "SMART", *[""] * 4, 0, "", 0, 0, "")
    (components,) = await wire.ask(83, 2, quote[3])
    assert int(components[2]) * 3 == len(components) - 3
    names = set(components[4::3])
    contract = house.simulator.exchange.contract(AAPL)
    assert contract is not None
    assert names == set(contract.valid_exchanges) - {"SMART"}
    assert len(set(components[5::3])) == len(names), "a letter each"
    (deep,) = await wire.ask(82)
    assert int(deep[1]) * 5 == len(deep) - 2
    assert names | {"EBS", "IDEALPRO"} <= set(deep[2::5])
    assert all(group.isdecimal() for group in deep[6::5])
    assert code(await wire.ask(83, 3, "nothing")) == ["3", "321"]


async def test_families_tiers_and_users_are_told_as_to_a_private_client(house: House) -> None:
    wire = await house.client()
    assert await wire.ask(80) == [["78", "2", "DU9912345", "", "DU9967890", ""]]
    assert await wire.ask(79, 1) == [["77", "1", "0"]]
    assert await wire.ask(104, 1) == [["107", "1", ""]]
    assert [message[2:4] for message in await wire.ask(18, 1, 1)] == [["-1", "321"]]


@pytest.mark.parametrize("version", [157, 197, 200])
async def test_the_time_comes_in_milliseconds_too(house: House, version: int) -> None:
    wire = await house.client(version=version)
    assert await wire.ask(105) == [["109", "1772463600000"]]


def option(
    request_id: int, number: int, given: object, *, strike: object = 270, right: str = "C", expiry: str = "20260619"
) -> list[object]:
    contract = [0, "AAPL", "OPT", expiry, strike, right, "100", "SMART", "", "USD", "", ""]
    return [number, 3, request_id, *contract, given, 270, 0, ""]


async def test_an_option_is_priced_and_its_price_gives_the_volatility_back(house: House) -> None:
    wire = await house.client()
    (told,) = await wire.ask(*option(1, 55, 0.3))
    assert told[:6] == ["21", "1", "53", "1", "0.3", told[5]]
    assert len(told) == 12
    (back,) = await wire.ask(*option(2, 54, told[6]))
    assert abs(Decimal(back[4]) - Decimal("0.3")) < Decimal("0.00001")
    assert back[5:] == told[5:] or abs(Decimal(back[5]) - Decimal(told[5])) < Decimal("0.00001")
    assert await wire.ask(56, 1, 2) == []
    assert await wire.ask(57, 1, 1) == []


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        (option(1, 54, 0.01, strike=100), "321"),
        (option(1, 55, 0.3, expiry="20260101"), "321"),
        (option(1, 55, 0.3, expiry="soonsoon"), "321"),
        (option(1, 55, 0.3, right="?"), "321"),
        (option(1, 55, ""), "321"),
        (option(1, 55, 0.3, strike="1e-17"), "321"),
        ([55, 3, 1, AAPL, *[""] * 11, 0.3, 270, ""], "200"),
    ],
)
async def test_an_option_that_cannot_be_priced_is_refused(house: House, wrong: list[object], expected: str) -> None:
    assert code(await (await house.client()).ask(*wrong)) == ["1", expected]


async def test_a_pair_has_no_options_and_a_strangers_conid_is_refused(house: House) -> None:
    wire = await house.client()
    assert await wire.ask(78, 1, "EUR", "", "CASH", 12087792) == [["76", "1"]]
    assert code(await wire.ask(78, 2, "MSFT", "", "STK", AAPL)) == ["2", "321"]


@pytest.mark.parametrize("strike", [80.0, 100.0, 125.0])
@pytest.mark.parametrize("volatility", [0.1, 0.5])
def test_calls_and_puts_of_one_strike_differ_by_the_forward(strike: float, volatility: float) -> None:
    call, put = (Option(call=side, strike=strike, years=0.5) for side in (True, False))
    one, other = worth(call, 100, volatility), worth(put, 100, volatility)
    assert one.price - other.price == pytest.approx(100 - strike * exp(-call.rate * 0.5))
    assert one.delta - other.delta == pytest.approx(1)
    assert (one.gamma, one.vega) == pytest.approx((other.gamma, other.vega))
    moved = worth(call, 100.01, volatility)
    assert (moved.price - one.price) / 0.01 == pytest.approx(one.delta, abs=1e-3)
    assert implied_volatility(call, 100, one.price) == pytest.approx(volatility, abs=1e-4)
