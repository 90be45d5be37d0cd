"""What the Web API's door finds out: answers that the simulator has not, put into the far end's mouth."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.domain.errors import BrokerAway, BrokerRefused, InvalidRequest, NotSupported
from ibkr_bridge.ports.research import (
    Book,
    BookFailed,
    Level,
    OptionWish,
    Right,
    ScanRequest,
    TickKind,
    TickWindow,
    Topic,
)
from ibkr_bridge.runtime.clock import SystemClock
from ibkr_bridge.upstream.webapi.http import Http
from ibkr_bridge.upstream.webapi.research_depth import Depth
from ibkr_bridge.upstream.webapi.settings import WebApiSettings
from ibkr_bridge.upstream.webapi.wire import Wire

AAPL = Contract(265598, "AAPL", "STK", "SMART", "USD", primary_exchange="NASDAQ")
EXPIRY = date(2026, 3, 20)
ALWAYS = 1000
SEARCH = [
    {
        "conid": "265598",
        "companyName": "APPLE INC",
        "symbol": "AAPL",
        "description": "NASDAQ",
        "sections": [{"secType": "STK"}, {"secType": "OPT", "months": "MAR26;APR26", "exchange": "SMART;CBOE"}],
    },
    {"conid": "2147483647", "companyName": "Corporate Fixed Income", "issuers": []},
    "BTC",
]


def listed(conid: int, day: str, right: str = "C") -> dict[str, Any]:
    return {
        "conid": conid,
        "symbol": "AAPL",
        "secType": "OPT",
        "exchange": "SMART",
        "right": right,
        "strike": 195.0,
        "currency": "USD",
        "desc2": f"MAR {day[-2:]} '26 195 {right}",
        "maturityDate": day,
        "multiplier": "100",
        "tradingClass": "AAPL",
    }


async def asked(coming: Any) -> Any:
    async with asyncio.timeout(10):
        return await coming


@pytest.fixture
def far(rig: Any, make: Any) -> Any:
    """A far end with options on one stock."""

    def say(method: str, path: str, body: Any) -> None:
        rig.moments.bad.append(make.bad(method, path, status=200, body=body, times=ALWAYS))

    say("GET", "/iserver/secdef/search", SEARCH)
    say("GET", "/iserver/secdef/strikes", {"call": [190.0, 195.0, 200.0], "put": [195.0, 197.5]})
    say("GET", "/iserver/secdef/info", [listed(71, "20260313"), listed(72, "20260320"), listed(73, "20260320", "P")])
    say(
        "GET",
        "/iserver/marketdata/snapshot",
        [
            {
                "conid": 72,
                "84": "4.10",
                "88": "1,200",
                "86": "C4.20",
                "7762": "1530",
                "7638": "8.1K",
                "7308": "0.532",
                "7309": "0.026",
                "7310": "-0.071",
                "7311": "0.192",
                "7633": "24.7%",
            },
            {"conid": 73, "7308": "-0.468"},
            {"conid": 999, "84": "1"},
        ],
    )
    return rig


async def test_a_search_leaves_out_what_is_no_contract(far: Any) -> None:
    [found] = await asked(far.upstream.research.search("AAPL"))
    assert (found.conid, found.sec_type, found.name, found.derivatives) == (265598, "STK", "APPLE INC", ("OPT",))


async def test_the_days_of_a_series_are_gathered_from_its_months(far: Any) -> None:
    [series] = await asked(far.upstream.research.option_series(AAPL))
    assert (series.trading_class, series.exchange, series.multiplier) == ("AAPL", "SMART", 100)
    assert series.expiries == (date(2026, 3, 13), EXPIRY)
    assert series.strikes == (190, 195, Decimal("197.5"), 200)


async def test_a_chain_has_prices_greeks_and_open_interest_of_one_day(far: Any) -> None:
    wish = OptionWish(EXPIRY, strikes=(Decimal(195),))
    call, put = await asked(far.upstream.research.option_chain(AAPL, wish))
    assert (call.contract.conid, call.right, call.strike, call.expiry) == (72, Right.CALL, 195, EXPIRY)
    told = call.figures
    assert (told.bid, told.bid_size, told.ask, told.last) == (Decimal("4.10"), 1200, Decimal("4.20"), None)
    assert (told.open_interest, told.implied_volatility) == (8100, Decimal("0.247"))
    assert (told.delta, told.gamma) == (Decimal("0.532"), Decimal("0.026"))
    assert (put.contract.conid, put.right, put.figures.delta) == (73, Right.PUT, Decimal("-0.468"))
    assert far.moments.count("POST /iserver/marketdata/unsubscribe") == 2


async def test_a_chain_of_too_many_is_refused_before_it_is_asked(rig: Any, make: Any) -> None:
    strikes = {"call": list(range(100, 200)), "put": []}
    rig.moments.bad.append(make.bad("GET", "/iserver/secdef/strikes", status=200, body=strikes, times=ALWAYS))
    with pytest.raises(InvalidRequest):
        await asked(rig.upstream.research.option_chain(AAPL, OptionWish(EXPIRY)))
    assert rig.moments.count("GET /iserver/secdef/info") == 0


async def test_what_the_web_api_has_not_is_not_asked(rig: Any) -> None:
    research = rig.upstream.research
    for coming in (
        research.ticks(AAPL, TickWindow(TickKind.TRADES, 10)),
        research.news_providers(),
        research.headlines(AAPL, (), None, None, 5),
        research.article("BRFG", "1"),
    ):
        with pytest.raises(NotSupported):
            await asked(coming)


async def test_a_scan_keeps_ibkrs_order_and_is_asked_once(rig: Any, make: Any) -> None:
    rows = [
        {"server_id": "0", "symbol": "GV", "con_id": 7, "company_name": "VISIONARY", "scan_data": "163.773K"},
        {"server_id": "1", "symbol": "XY", "con_id": 8, "sec_type": "STK"},
    ]
    rig.moments.bad.append(make.bad("POST", "/iserver/scanner/run", status=200, body={"contracts": rows}))
    request = ScanRequest("STK", "STK.US.MAJOR", "TOP_PERC_GAIN", (("priceAbove", "5"),))
    first, second = await asked(rig.upstream.research.scan(request))
    assert (first.rank, first.listing.conid, first.value) == (1, 7, "163.773K")
    assert (second.rank, second.listing.symbol, second.value) == (2, "XY", None)
    rig.moments.bad.append(make.bad("POST", "/iserver/scanner/run", status=500, body={"error": "no such scan"}))
    with pytest.raises(BrokerRefused):
        await asked(rig.upstream.research.scan(request))
    assert rig.moments.count("POST /iserver/scanner/run") == 2


async def test_a_topic_is_refused_once_and_can_be_asked_for_again(rig: Any) -> None:
    frames: asyncio.Queue[Any] = asyncio.Queue()
    bad, good = Topic("smh", "265598", '{"period":"9q"}'), Topic("smh", "265598", '{"period":"1d","bar":"1h"}')
    told = []
    for topic in (bad, good, bad):
        await rig.upstream.research.open_topic(topic, frames.put_nowait)
        told.append(await asked(frames.get()))
    assert [("error" in frame, "data" in frame) for frame in told] == [(True, False), (False, True), (True, False)]


async def test_a_run_of_bars_that_nobody_waits_for_any_more_is_ended(rig: Any) -> None:
    """Of IBKR's five, none is held by what was given up while it was being asked for."""
    frames: asyncio.Queue[Any] = asyncio.Queue()
    for number in range(12):
        topic = Topic("smh", "265598", f'{{"period":"{number + 1}d","bar":"1h"}}')
        await rig.upstream.research.open_topic(topic, frames.put_nowait)
        await asyncio.sleep(0)
        await rig.upstream.research.close_topic(topic)
    last = Topic("smh", "756733", '{"period":"1d","bar":"1h"}')
    await rig.upstream.research.open_topic(last, frames.put_nowait)
    while (told := await asked(frames.get()))["topic"] != "smh+756733":
        assert "error" not in told
    assert told["data"]


class Ladder:
    """A door's depth, what it says to IBKR, and what it tells."""

    def __init__(self) -> None:
        clock = SystemClock()
        wire = Wire(Http(WebApiSettings(), clock), lambda _gone: None, lambda: None)
        wire.attach(("DU1", "DU2"), at_once=True)
        self.said: list[str] = []
        self.told: list[Book | BookFailed] = []
        self.depth = Depth(wire, clock, self._say)

    async def _say(self, text: str) -> None:
        self.said.append(text)

    def frame(self, target: str, *rows: dict[str, Any]) -> None:
        self.depth.hear({"topic": f"sbd+DU1+{target}", "data": list(rows)})


async def test_a_ladder_becomes_a_book_and_rows_replace_rows() -> None:
    ladder = Ladder()
    await ladder.depth.open(AAPL, 10, ladder.told.append)
    ladder.frame(
        "265598",
        {"row": 0, "focus": 0, "price": "193.11", "ask": "1,200"},
        {"row": 1, "focus": 1, "price": "100 @ 193.10", "ask": "200"},
        {"row": 2, "focus": 0, "price": "193.09", "bid": "300"},
        {"row": 3, "focus": 0, "price": "193.08", "bid": "400"},
        {"row": 4, "focus": 0, "price": "193.07"},
    )
    ladder.frame("265598", {"row": 2, "focus": 0, "price": "193.09"}, {"row": "x", "price": "1", "bid": "1"})
    whole, changed = ladder.told
    assert isinstance(whole, Book)
    assert whole.asks == (Level(Decimal("193.10"), Decimal(200)), Level(Decimal("193.11"), Decimal(1200)))
    assert whole.bids == (Level(Decimal("193.09"), Decimal(300)), Level(Decimal("193.08"), Decimal(400)))
    assert isinstance(changed, Book)
    assert changed.bids == (Level(Decimal("193.08"), Decimal(400)),)


async def test_an_end_ends_every_book_of_the_account_so_the_others_are_asked_for_again() -> None:
    ladder, elsewhere = Ladder(), Contract(265598, "AAPL", "STK", "ARCA", "USD")
    await ladder.depth.open(AAPL, 10, ladder.told.append)
    await ladder.depth.open(elsewhere, 10, ladder.told.append)
    await ladder.depth.close(AAPL)
    assert ladder.said == ["sbd+DU1+265598", "sbd+DU1+265598+ARCA", "ubd+DU1", "sbd+DU1+265598+ARCA"]
    ladder.frame("265598", {"row": 0, "price": "1.00", "bid": "1"})
    assert ladder.told == []
    ladder.depth.hear({"error": "unable to subscribe", "code": 500, "topic": "sbd+DU1+265598+ARCA"})
    [failed] = ladder.told
    assert isinstance(failed, BookFailed)
    assert (failed.ibkr_code, bool(re.search("unable", failed.text))) == (500, True)


async def test_nothing_is_opened_without_a_session(rigs: Callable[..., Any]) -> None:
    rig = await rigs(run=False)
    with pytest.raises(BrokerAway):
        await rig.upstream.research.open_book(AAPL, 5, lambda _told: None)
    with pytest.raises(BrokerAway):
        await rig.upstream.research.open_topic(Topic("ssd", "DU1"), lambda _frame: None)
