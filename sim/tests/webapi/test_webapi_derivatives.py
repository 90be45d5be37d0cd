"""Options, futures and indices at the Web API: found step by step, as IBKR wants it, and traded."""

from __future__ import annotations

from typing import Any

ACCOUNT = "DU9912345"
AAPL, SPX = 265598, 416904


async def chain(house: Any, symbol: str) -> dict[str, Any]:
    """The sections of the first row found, by their type."""
    row = (await house.get(f"/iserver/secdef/search?symbol={symbol}"))[0]
    return {section["secType"]: section for section in row["sections"]}


async def test_an_option_is_found_by_month_strike_and_right(trader: Any) -> None:
    sections = await chain(trader, "AAPL")
    assert sections["OPT"]["months"].startswith("MAR26;APR26;MAY26")
    assert sections["CFD"]["conid"].isdecimal()
    strikes = await trader.get(f"/iserver/secdef/strikes?conid={AAPL}&sectype=OPT&month=MAR26&exchange=SMART")
    assert 270.0 in strikes["call"]
    assert strikes["call"] == strikes["put"]
    rows = await trader.get(f"/iserver/secdef/info?conid={AAPL}&sectype=OPT&month=MAR26&strike=270&right=P")
    assert [row["maturityDate"] for row in rows] == ["20260306", "20260313", "20260320", "20260327"]
    third = rows[2]
    assert (third["desc2"], third["multiplier"], third["strike"]) == ("MAR 20 '26 270 Put", "100", 270.0)
    told = await trader.get(f"/iserver/contract/{third['conid']}/info")
    assert (told["maturity_date"], told["contract_month"], told["underlying_con_id"]) == ("20260320", "MAR26", AAPL)


async def test_strikes_are_empty_without_a_search_or_for_a_month_that_is_none(trader: Any) -> None:
    path = f"/iserver/secdef/strikes?conid={AAPL}&sectype=OPT&month="
    assert await trader.get(f"{path}MAR26") == {"call": [], "put": []}
    await chain(trader, "AAPL")
    assert await trader.get(f"{path}202603") == {"call": [], "put": []}
    status, _body = await trader.call("GET", f"/iserver/secdef/info?conid={AAPL}&sectype=OPT&month=202603&strike=270")
    assert status == 400


async def test_an_index_has_weekly_and_monthly_options(trader: Any) -> None:
    assert set(await chain(trader, "SPX")) == {"IND", "OPT"}
    rows = await trader.get(f"/iserver/secdef/info?conid={SPX}&sectype=OPT&month=MAR26&strike=6700&right=C")
    assert {row["tradingClass"] for row in rows} == {"SPX", "SPXW"}


async def test_futures_are_listed_by_month(trader: Any) -> None:
    rows = (await trader.get("/trsrv/futures?symbols=ES,MES"))["ES"]
    assert (rows[0]["conid"], rows[0]["expirationDate"], rows[0]["ltd"]) == (920002603, 20260320, 20260319)
    assert rows[0]["underlyingConid"] == 11004968
    row = (await trader.get("/iserver/secdef/search?symbol=ES&secType=IND"))[0]
    sections = {section["secType"]: section for section in row["sections"]}
    assert sections["FUT"]["months"].startswith("MAR26;JUN26;SEP26")
    assert "FOP" in sections
    (future,) = await trader.get("/iserver/secdef/info?conid=11004968&sectype=FUT&month=JUN26")
    assert (future["desc2"], future["multiplier"]) == ("JUN 18 '26", "50")
    options = await trader.get("/iserver/secdef/info?conid=11004968&sectype=FOP&month=MAR26&strike=6700&right=C")
    assert {row["secType"] for row in options} == {"FOP"}


async def test_an_option_is_bought_and_held(trader: Any) -> None:
    await chain(trader, "AAPL")
    rows = await trader.get(f"/iserver/secdef/info?conid={AAPL}&sectype=OPT&month=MAR26&strike=270&right=C")
    conid = rows[2]["conid"]
    (placed,) = await trader.place({"conid": conid, "quantity": 2})
    assert placed["order_status"] == "Filled"
    order = (await trader.get("/iserver/account/orders"))["orders"][0]
    assert (order["description2"], order["secType"]) == ("MAR 20 '26 270 Call", "OPT")
    (held,) = await trader.get(f"/portfolio/{ACCOUNT}/positions/0")
    assert held["contractDesc"] == "AAPL MAR2026 270 C [AAPL 260320C00270000 100]"
    assert (held["putOrCall"], held["undConid"], held["multiplier"]) == ("C", AAPL, 100.0)
    assert held["avgCost"] == held["avgPrice"] * 100
    (trade,) = await trader.get("/iserver/account/trades")
    assert trade["net_amount"] == float(trade["price"]) * 200


async def test_an_order_for_a_us_future_says_who_gave_it(trader: Any) -> None:
    conid = (await trader.get("/trsrv/futures?symbols=MES"))["MES"][1]["conid"]
    assert conid == 770561194
    refused = await trader.place({"conid": conid, "quantity": 1})
    assert "manualIndicator" in refused["error"]
    (placed,) = await trader.place({"conid": conid, "quantity": 1, "manualIndicator": False})
    assert placed["order_status"] == "Filled"
    assert trader.market.position(ACCOUNT, conid).quantity == 1


async def test_the_directory_knows_what_has_options(trader: Any) -> None:
    rows = (await trader.get(f"/trsrv/secdef?conids={AAPL},12087792"))["secdef"]
    assert {row["conid"]: row["hasOptions"] for row in rows} == {AAPL: True, 12087792: False}
