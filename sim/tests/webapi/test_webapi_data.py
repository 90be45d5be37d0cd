"""Market data on request, bars of the past, contracts and the directory of securities."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from ibkr_sim.webapi.settings import Entitlement

AAPL = 265598
SNAPSHOT = "/iserver/marketdata/snapshot"
HISTORY = "/iserver/marketdata/history"


async def test_a_first_snapshot_is_thin_and_the_second_has_the_quote(house: Any) -> None:
    await house.get("/iserver/accounts")
    path = f"{SNAPSHOT}?conids={AAPL},8314&fields=31,84,86,88,7762,6509,999"
    assert await house.get(path) == [{"conidEx": str(conid), "conid": conid} for conid in (AAPL, 8314)]
    row = (await house.get(path))[0]
    quote = house.market.quote(AAPL)
    told = {"31": f"{quote.last:.2f}", "84": f"{quote.bid:.2f}", "86": f"{quote.ask:.2f}", "88": f"{quote.bid_size:,}"}
    assert {field: row[field] for field in told} == told
    assert (row["6509"], row["7762"], row["conidEx"]) == ("RpB", str(quote.volume), str(AAPL))
    assert "999" not in row


async def test_a_field_asked_for_later_is_missing_at_first(trader: Any) -> None:
    path = f"{SNAPSHOT}?conids={AAPL}&fields=31,7295"
    assert "7295" not in (await trader.get(path))[0]
    assert "7295" in (await trader.get(path))[0]


async def test_a_currency_pair_has_no_last_price(trader: Any) -> None:
    path = f"{SNAPSHOT}?conids=12087792&fields=31,84,86"
    await trader.get(path)
    (row,) = await trader.get(path)
    assert "31" not in row
    assert len(row["84"].partition(".")[2]) == 5


async def test_an_unknown_conid_gets_a_row_without_data(trader: Any) -> None:
    assert await trader.get(f"{SNAPSHOT}?conids=0&fields=31") == [{"conidEx": "0", "conid": 0}]
    assert (await trader.call("GET", f"{SNAPSHOT}?conids={','.join(['1'] * 101)}&fields=31"))[0] == 400


async def test_delayed_data_say_so(open_house: Callable[..., Any]) -> None:
    house = await open_house(entitlement=Entitlement.DELAYED)
    await house.ready()
    assert (await house.get(f"{SNAPSHOT}?conids={AAPL}&fields=31"))[0]["6509"] == "DPB"


async def test_the_position_is_part_of_a_snapshot(trader: Any) -> None:
    await trader.place({})
    path = f"{SNAPSHOT}?conids={AAPL}&fields=73,74,75,76"
    await trader.get(path)
    (row,) = await trader.get(path)
    held = trader.market.position("DU9912345", AAPL)
    assert (row["76"], row["74"]) == ("10", f"{held.average_cost:.2f}")


async def test_an_unsubscribe_ends_what_was_begun(trader: Any) -> None:
    path = "/iserver/marketdata/unsubscribe"
    assert await trader.post(path, {"conid": AAPL}) == {"success": True}
    assert await trader.call("POST", path, json={"conid": AAPL}) == (500, {"error": "unknown"})
    assert "31" not in (await trader.get(f"{SNAPSHOT}?conids={AAPL}&fields=31"))[0]
    assert await trader.get("/iserver/marketdata/unsubscribeall") == {"unsubscribed": True}
    assert "31" not in (await trader.get(f"{SNAPSHOT}?conids={AAPL}&fields=31"))[0]


@pytest.mark.parametrize(
    ("period", "bar", "count"),
    [
        ("1d", "1min", 31),
        ("1w", "1d", 5),
        ("2h", "5min", 24),
        ("10d", "1h", 63 + 2),
        ("1m", "1w", 6),
        ("5min", "1min", 5),
    ],
)
async def test_a_period_has_as_many_bars_as_its_sessions(house: Any, period: str, bar: str, count: int) -> None:
    told = await house.get(f"{HISTORY}?conid={AAPL}&period={period}&bar={bar}")
    assert len(told["data"]) == count
    assert told["points"] == count - 1
    times = [row["t"] for row in told["data"]]
    assert times == sorted(set(times))
    assert all(row["l"] <= min(row["o"], row["c"]) <= max(row["o"], row["c"]) <= row["h"] for row in told["data"])


async def test_bars_end_at_the_price_that_is_traded(house: Any) -> None:
    house.market.quote(AAPL)
    for _minute in range(10):
        house.advance(minutes=1)
        await house.post("/tickle")
    told = await house.get(f"{HISTORY}?conid={AAPL}&period=1d&bar=1min")
    last = told["data"][-1]
    assert Decimal(str(last["c"])) == house.market.quote(AAPL).last
    volume = sum(row["v"] for row in told["data"][-11:])
    assert volume >= float(house.market.quote(AAPL).volume)


async def test_the_past_is_the_same_for_the_same_seed(open_house: Callable[..., Any]) -> None:
    path = f"{HISTORY}?conid={AAPL}&period=1y&bar=1d"
    first, second = [await (await open_house()).get(path) for _time in range(2)]
    assert first["data"] == second["data"]
    assert len(first["data"]) == 252


async def test_bars_may_begin_at_a_time(house: Any) -> None:
    told = await house.get(f"{HISTORY}?conid={AAPL}&period=2d&bar=1h&startTime=20260225-00:00:00&direction=1")
    assert told["startTime"] == "20260225-14:30:00"
    told = await house.get(f"{HISTORY}?conid={AAPL}&period=1d&bar=1h&startTime=20260225-17:00:00")
    assert told["data"][-1]["t"] == 1772035200000


async def test_a_senseless_period_is_answered_without_bars(house: Any) -> None:
    status, body = await house.call("GET", f"{HISTORY}?conid={AAPL}&period=5parsecs&bar=1d")
    assert (status, "data" in body) == (200, False)
    assert (await house.call("GET", f"{HISTORY}?conid=1&period=1d&bar=1h"))[0] == 500


async def test_a_search_finds_the_us_listing_first(house: Any) -> None:
    rows = await house.get("/iserver/secdef/search?symbol=AAPL")
    assert [(row["conid"], row["description"]) for row in rows] == [(str(AAPL), "NASDAQ"), ("38708077", "MEXI")]
    assert await house.post("/iserver/secdef/search", {"symbol": "AAPL"}) == rows
    assert await house.get("/iserver/secdef/search?symbol=NOPE") == []
    named = await house.get("/iserver/secdef/search?symbol=apple&name=true")
    assert "sections" not in named[0]


async def test_details_need_a_search_before(house: Any) -> None:
    path = f"/iserver/secdef/info?conid={AAPL}&sectype=STK"
    assert (await house.call("GET", path))[0] == 500
    await house.get("/iserver/secdef/search?symbol=AAPL")
    assert (await house.get(path))[0]["conid"] == AAPL
    strikes = await house.get(f"/iserver/secdef/strikes?conid={AAPL}&sectype=OPT&month=JAN27")
    assert strikes == {"call": [], "put": []}


async def test_a_contract_tells_its_rules(house: Any) -> None:
    told = await house.get(f"/iserver/contract/{AAPL}/info-and-rules")
    assert (told["con_id"], told["company_name"], told["rules"]["increment"]) == (AAPL, "APPLE INC", 0.01)
    rules = await house.post("/iserver/contract/rules", {"conid": AAPL, "isBuy": True})
    assert rules == told["rules"]
    assert (await house.call("GET", "/iserver/contract/0/info"))[0] == 400
    assert (await house.call("POST", "/iserver/contract/rules", json={"conid": 0}))[0] == 400
    assert (await house.call("GET", "/iserver/contract/0/algos"))[0] == 503


async def test_rates_and_pairs_agree_with_the_market(house: Any) -> None:
    quote = house.market.quote(12087792)
    rate = (await house.get("/iserver/exchangerate?source=EUR&target=USD"))["rate"]
    assert rate == pytest.approx(float((quote.bid + quote.ask) / 2))
    pairs = (await house.get("/iserver/currency/pairs?currency=USD"))["USD"]
    assert {"symbol": "EUR.USD", "conid": 12087792, "ccyPair": "EUR"} in pairs
    assert (await house.call("GET", "/iserver/exchangerate?source=XXX&target=USD"))[0] == 500


async def test_the_directory_knows_stocks_and_their_listings(house: Any) -> None:
    told = await house.get("/trsrv/stocks?symbols=AAPL,NOPE")
    assert told["NOPE"] == []
    assert [place["conid"] for place in told["AAPL"][0]["contracts"]] == [AAPL, 38708077]
    assert (await house.get(f"/trsrv/secdef?conids={AAPL}"))["secdef"][0]["ticker"] == "AAPL"
    assert await house.get("/trsrv/futures?symbols=NONE") == {"NONE": []}
    conids = {row["conid"] for row in await house.get("/trsrv/all-conids?exchange=NASDAQ")}
    assert AAPL in conids


async def test_trading_hours_are_told_by_contract_and_by_symbol(house: Any) -> None:
    told = await house.get(f"/contract/trading-schedule?conid={AAPL}")
    assert list(told["schedules"])[:2] == ["20260302", "20260303"]
    assert told["schedules"]["20260302"]["liquid_hours"] == [{"opening": 1772461800, "closing": 1772485200}]
    (venue, _other) = await house.get("/trsrv/secdef/schedule?assetClass=STK&symbol=AAPL")
    monday = venue["schedules"][2]
    assert (monday["tradingScheduleDate"], monday["sessions"][0]["openingTime"]) == ("20000103", "0930")


async def test_nobody_hears_of_a_bar_that_has_not_begun(house: Any) -> None:
    told = await house.get(f"{HISTORY}?conid={AAPL}&period=1d&bar=1h")
    now = house.simulator.clock.now()
    assert max(row["t"] for row in told["data"]) <= (now + timedelta(seconds=1)).timestamp() * 1000
