"""Scanners, the service of historical data, performance, transactions, regulatory snapshots, and what is not here."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ibkr_sim.exchange.accounts.ledger import BROKER
from ibkr_sim.exchange.model import DayEnd
from ibkr_sim.webapi.sessions.portal import Access
from ibkr_sim.webapi.track import track

ACCOUNT, SECOND = "DU9912345", "DU9967890"
AAPL, NESTLE = 265598, 38708091
SCAN = {"instrument": "STK", "type": "TOP_PERC_GAIN", "location": "STK.US.MAJOR", "filter": []}
HMDS_SCAN = {"instrument": "STK", "locations": "STK.US", "scanCode": "MOST_ACTIVE", "secType": "STK", "filters": []}


def change(house: Any, conid: int) -> Decimal:
    quote = house.market.quote(conid)
    return Decimal((quote.last - quote.close) / quote.close)


async def test_a_scanner_ranks_contracts_by_their_quotes(house: Any) -> None:
    house.advance(minutes=2)
    scan = SCAN | {"location": "STK.NYSE"}
    rows = (await house.post("/iserver/scanner/run", scan))["contracts"]
    changes = [change(house, row["con_id"]) for row in rows]
    assert changes == sorted(changes, reverse=True)
    losers = (await house.post("/iserver/scanner/run", scan | {"type": "TOP_PERC_LOSE"}))["contracts"]
    assert {row["con_id"] for row in losers} == {row["con_id"] for row in rows}
    assert losers[0]["con_id"] != rows[0]["con_id"]
    assert [("column_name" in row) for row in rows[:2]] == [True, False]


async def test_filters_and_places_narrow_a_scan(house: Any) -> None:
    filters = [{"code": "priceAbove", "value": 100}, {"code": "priceBelow", "value": "300"}]
    rows = (await house.post("/iserver/scanner/run", SCAN | {"filter": filters}))["contracts"]
    assert rows
    assert all(100 <= house.market.quote(row["con_id"]).last <= 300 for row in rows)
    rows = (await house.post("/iserver/scanner/run", SCAN | {"location": "STK.NYSE"}))["contracts"]
    assert {row["listing_exchange"] for row in rows} == {"NYSE"}


@pytest.mark.parametrize(
    "odd", [{"type": "TOTALLY_INVALID"}, {"location": "MOON"}, {"filter": [{"code": "x", "value": 1}]}]
)
async def test_a_scanner_that_does_not_exist_is_refused(house: Any, odd: dict[str, Any]) -> None:
    assert (await house.call("POST", "/iserver/scanner/run", json=SCAN | odd))[0] == 500


async def test_parameters_name_what_can_be_run(house: Any) -> None:
    told = await house.get("/iserver/scanner/params")
    tree = {row["type"]: row["locations"][0] for row in told["location_tree"]}
    for instrument in told["instrument_list"]:
        for kind in told["scan_type_list"]:
            body = {
                "instrument": instrument["type"],
                "type": kind["code"],
                "location": tree[instrument["type"]]["type"],
            }
            assert "contracts" in await house.post("/iserver/scanner/run", body)
    assert {row["code"] for row in told["filter_list"]} == set(told["instrument_list"][0]["filters"])


async def test_the_service_of_historical_data_wakes_at_the_first_request(house: Any) -> None:
    assert "error" in (await house.post("/tickle"))["hmds"]
    path = f"/hmds/history?conid={AAPL}&period=1d&bar=1hrs&barType=Last"
    assert (await house.call("GET", path))[0] == 404
    assert (await house.get(path))["points"] == 2
    assert (await house.post("/tickle"))["hmds"]["authStatus"]["authenticated"] is True


async def test_its_bars_are_those_of_the_other_history(house: Any) -> None:
    assert await house.post("/hmds/auth/init", {}) == {"authenticated": True}
    theirs = await house.get(f"/hmds/history?conid={AAPL}&period=1w&bar=5mins&barType=Last")
    ours = await house.get(f"/iserver/marketdata/history?conid={AAPL}&period=1w&bar=5min")
    assert theirs["data"] == [{key: row[key] for key in ("t", "o", "c", "h", "l", "v")} for row in ours["data"]]
    assert theirs["startTimeVal"] == theirs["data"][0]["t"]
    for odd in ("period=1d&bar=10secs", "period=1x&bar=5mins", "period=1d&bar=5mins&barType=FeeRate"):
        assert (await house.call("GET", f"/hmds/history?conid={AAPL}&{odd}"))[0] == 500


async def test_its_scanner_speaks_in_texts(house: Any) -> None:
    await house.post("/hmds/auth/init", {})
    told = await house.post("/hmds/scanner", HMDS_SCAN | {"maxItems": 2})
    assert set(told) == {"total", "size", "offset", "scanTime", "id", "position", "Contracts"}
    assert all(isinstance(value, str) for name, value in told.items() if name != "Contracts")
    assert [set(row) for row in told["Contracts"]["Contract"]] == [{"inScanTime", "contractID"}] * 2


async def test_performance_follows_the_days_of_the_ledger(house: Any) -> None:
    await house.ready()
    opening = float(house.market.net_liquidation(ACCOUNT))
    await house.place({"quantity": 50})
    house.advance(days=3)
    house.door.house.sessions.log_in()
    told = await house.post("/pa/performance", {"acctIds": [ACCOUNT, SECOND], "period": "1M"})
    ends = {f"{day.date:%Y%m%d}": float(day.net_liquidation) for day in house.market.day_ends(ACCOUNT)}
    first, second = told["nav"]["data"]
    assert [row["id"] for row in (first, second)] == told["included"] == [ACCOUNT, SECOND]
    assert (first["start"], first["end"], told["nd"]) == ("20260302", "20260305", 4)
    assert first["navs"][:-1] == [ends[day] for day in told["nav"]["dates"][:-1]]
    assert first["navs"][-1] == float(house.market.net_liquidation(ACCOUNT))
    assert first["startNAV"] == {"date": "20260301", "val": opening}
    every = await house.post("/pa/allperiods", {"acctIds": [ACCOUNT]})
    assert every[ACCOUNT]["periods"] == ["1D", "7D", "MTD", "1M", "YTD", "1Y"]
    assert every[ACCOUNT]["1D"]["startNAV"] == {"date": "20260304", "val": ends["20260304"]}
    assert every[ACCOUNT]["1Y"]["cps"] == told["cps"]["data"][0]["returns"]


def days(*values: int, until: date = date(2026, 4, 2)) -> list[DayEnd]:
    count = len(values)
    return [DayEnd(until - timedelta(days=count - 1 - place), Decimal(value)) for place, value in enumerate(values)]


@pytest.mark.parametrize(
    ("period", "start"),
    [("1D", 2), ("7D", 27), ("MTD", 1), ("1M", 2), ("3M", 2), ("YTD", 1), ("1Y", 2)],
)
def test_a_period_begins_after_the_day_it_starts_from(period: str, start: int) -> None:
    whole = track(ACCOUNT, "USD", days(*range(1000, 1400)), period)
    assert (whole.start.day, whole.first.date) == (start, whole.start - timedelta(days=1))


def test_a_month_before_the_last_of_march_is_the_last_of_february() -> None:
    assert track(ACCOUNT, "USD", days(*range(60), until=date(2026, 3, 31)), "1M").start == date(2026, 2, 28)


def test_monthly_returns_make_up_the_whole_one() -> None:
    whole = track(ACCOUNT, "USD", days(100, 101, 102, 110, 121), "1Y")
    assert whole.monthly == {"202603": Decimal("0.02"), "202604": Decimal("0.18627451")}
    assert whole.returns[-1] == Decimal("0.21")


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("performance", {"acctIds": [ACCOUNT], "period": "INVALID"}, 400),
        ("performance", {"acctIds": [], "period": "1M"}, 400),
        ("allperiods", {"acctIds": ["INVALID999"]}, 500),
        ("transactions", {"acctIds": [ACCOUNT], "conids": [], "currency": "USD", "days": 30}, 400),
        ("transactions", {"acctIds": ["INVALID999"], "conids": [AAPL], "currency": "USD", "days": 30}, 500),
    ],
)
async def test_analyses_of_nothing_are_refused(house: Any, path: str, body: dict[str, Any], status: int) -> None:
    assert (await house.call("POST", f"/pa/{path}", json=body))[0] == status


async def test_transactions_outlive_the_day(trader: Any) -> None:
    await trader.place({"quantity": 10})
    house = trader
    house.advance(days=3)
    house.door.house.sessions.log_in()
    assert house.market.executions() == ()
    body = {"acctIds": [ACCOUNT], "conids": [str(AAPL)], "currency": "USD", "days": 30}
    told = await house.post("/pa/transactions", body)
    assert (told["nd"], (told["to"] - told["from"]) // 86_400_000, told["rpnl"]) == (31, 30, {"data": [], "amt": "0.0"})
    rows = told["transactions"]
    assert sum(row["qty"] for row in rows) == 10
    assert rows[0]["date"] == "Mon Mar 02 00:00:00 EST 2026"
    assert (await house.post("/pa/transactions", body | {"days": 1}))["transactions"] == []


async def test_a_regulatory_snapshot_costs_a_cent_of_the_ledger(house: Any) -> None:
    async def cash() -> Decimal:
        ledger = await house.get(f"/portfolio/{ACCOUNT}/ledger")
        return Decimal(str(ledger["USD"]["cashbalance"]))

    await house.get("/portfolio/accounts")
    before = await cash()
    told = await house.get(f"/md/regsnapshot?conid={AAPL}")
    quote = house.market.quote(AAPL)
    assert (told["84"], told["86"], told["31"]) == (f"{quote.bid:.2f}", f"{quote.ask:.2f}", f"{quote.last:.2f}")
    assert (told["88"], told["85"]) == (int(quote.bid_size), int(quote.ask_size))
    assert before - await cash() == Decimal("0.01")
    broker = next(row for row in house.simulator.exchange.ledger.everyone() if row.id == BROKER)
    assert broker.cash["USD"] == Decimal("0.01")


async def test_a_regulatory_snapshot_is_refused_where_there_is_none(house: Any) -> None:
    for conid in (0, 12087792):
        assert (await house.call("GET", f"/md/regsnapshot?conid={conid}"))[0] == 400
    sessions = house.door.house.sessions
    sessions.initialise(sessions.sign_in(Access.OAUTH2, "bearer"), compete=True, bridged=True)
    headers = {"Authorization": "Bearer bearer"}
    assert (await house.call("GET", f"/md/regsnapshot?conid={AAPL}", headers=headers))[0] == 400


async def test_nobody_is_an_advisor_and_there_are_no_event_contracts(house: Any) -> None:
    for method, path in (
        ("GET", "group"),
        ("POST", "group"),
        ("PUT", "group"),
        ("GET", "presets"),
        ("GET", "accounts"),
    ):
        assert (await house.call(method, f"/iserver/account/allocation/{path}", json={}))[0] == 500
    assert (await house.call("POST", "/fa/model/list", json={"reqID": 1}))[0] == 500
    assert await house.get("/forecast/category/tree") == {"categories": {}}
    for part in ("rules", "details", "schedules"):
        assert (await house.call("GET", f"/forecast/contract/{part}?conid=1"))[0] == 500


CONDITION = {
    "conidex": "265598@SMART",
    "logicBind": "n",
    "operator": ">=",
    "triggerMethod": "0",
    "type": 1,
    "value": "1",
}
ALERT = {"alertName": "a", "alertMessage": "", "alertRepeatable": 0, "outsideRth": 0, "tif": "GTC", "expireTime": ""}
BODIES: dict[str, dict[str, Any]] = {
    f"/iserver/account/{ACCOUNT}/alert": ALERT | {"conditions": [CONDITION], "orderId": 900_001},
    f"/iserver/account/{ACCOUNT}/alert/activate": {"alertId": 900_001, "alertActive": 1},
    "/iserver/watchlist": {"id": "1", "name": "a", "rows": [{"C": 1}]},
    "/iserver/scanner/run": SCAN,
    "/hmds/scanner": HMDS_SCAN | {"maxItems": 1},
    "/fyi/settings/BA": {"enabled": True},
    "/fyi/deliveryoptions/device": {"deviceName": "a", "deviceId": "a", "uiName": "a", "enabled": True},
    "/pa/performance": {"acctIds": [ACCOUNT], "period": "1M"},
    "/pa/allperiods": {"acctIds": [ACCOUNT]},
    "/pa/transactions": {"acctIds": [ACCOUNT], "conids": [AAPL], "currency": "USD", "days": 30},
}
ODD: tuple[Any, ...] = (None, [], {}, "", "x", -1, 1.5, True, [None], [{}], [[]], {"a": []}, "9" * 5000, 10**30, "NaN")


@pytest.mark.parametrize("path", BODIES)
async def test_no_body_is_odd_enough_to_go_unforeseen(house: Any, path: str) -> None:
    await house.post("/hmds/auth/init", {})
    body = BODIES[path]
    odd_bodies = [body | {name: odd} for name in body for odd in ODD]
    if "conditions" in body:
        odd_bodies += [body | {"conditions": [CONDITION | {name: odd}]} for name in CONDITION for odd in ODD]
    for odd in (*ODD, *odd_bodies):
        _status, told = await house.call("POST", path, json=odd)
        assert "Internal Server Error" not in str(told), odd
    house.advance(seconds=5)
    await house.get(f"/iserver/account/{ACCOUNT}/alerts")
