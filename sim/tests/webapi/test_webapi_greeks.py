"""Volatility, greeks and open interest: some answers after the prices, by request and on the WebSocket."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from ibkr_sim.webapi.settings import Unsettled

AAPL, MES, EUR = 265598, 770561194, 12087792
GREEKS = ("7308", "7309", "7310", "7311", "7633")
FIELDS = ("31", "84", "86", *GREEKS, "7638")


async def option(house: Any, strike: int = 270, right: str = "C") -> int:
    await house.get("/iserver/secdef/search?symbol=AAPL")
    path = f"/iserver/secdef/info?conid={AAPL}&sectype=OPT&month=MAR26&strike={strike}&right={right}"
    conid: int = (await house.get(path))[2]["conid"]
    return conid


async def snapshot(house: Any, conid: int, *fields: str, looks: int = 1) -> dict[str, Any]:
    path = f"/iserver/marketdata/snapshot?conids={conid}&fields={','.join(fields or FIELDS)}"
    for _look in range(looks):
        (row,) = await house.get(path)
    found: dict[str, Any] = row
    return found


async def test_greeks_come_some_answers_after_the_prices(trader: Any) -> None:
    conid = await option(trader)
    assert set(await snapshot(trader, conid)) == {"conid", "conidEx"}
    second = await snapshot(trader, conid)
    assert "84" in second
    assert not {*GREEKS, "7638"} & set(second)
    third = await snapshot(trader, conid)
    assert {*GREEKS, "7638"} <= set(third)
    assert 0 < float(third["7308"]) < 1
    assert float(third["7310"]) < 0 < float(third["7311"])
    assert third["7633"].endswith("%")
    assert 10 < float(third["7633"].rstrip("%")) < 100
    assert int(third["7638"].replace(",", "")) > 0


async def test_a_put_falls_when_its_call_rises(trader: Any) -> None:
    call, put = [await snapshot(trader, await option(trader, right=right), looks=3) for right in "CP"]
    assert float(call["7308"]) - float(put["7308"]) == 1
    assert call["7309"][:4] == put["7309"][:4]
    assert abs(float(call["7633"][:-1]) - float(put["7633"][:-1])) < 2


async def test_options_tell_what_they_are(trader: Any) -> None:
    row = await snapshot(trader, await option(trader, right="P"), "201", "6457", "7714", "7695", looks=3)
    assert (row["201"], row["6457"], row["7714"]) == ("P", AAPL, "20260320")
    assert 200 < float(row["7695"]) < 270


async def test_a_stock_has_the_open_interest_of_all_its_options_and_their_volatility(trader: Any) -> None:
    row = await snapshot(trader, AAPL, "7638", "7085", "7283", "7308", "7633", looks=3)
    assert int(row["7638"].replace(",", "")) > 100_000
    assert 0.5 < float(row["7085"]) < 2
    assert 10 < float(row["7283"].rstrip("%")) < 100
    assert not {"7308", "7633"} & set(row)
    assert not {"7638", "7283"} & set(await snapshot(trader, EUR, "84", "7638", "7283", looks=3))


async def test_a_future_has_its_own_open_interest(trader: Any) -> None:
    row = await snapshot(trader, MES, "7697", "7638", looks=3)
    assert "," in row["7697"]
    assert "7638" not in row


async def test_open_interest_changes_with_the_trading_day(trader: Any) -> None:
    conid = await option(trader)
    before = await snapshot(trader, conid, looks=3)
    trader.advance(minutes=5)
    assert (await snapshot(trader, conid, looks=3))["7638"] == before["7638"]
    trader.advance(days=1)
    trader.door.house.sessions.log_in()
    await trader.ready()
    assert trader.market.now().date() == date(2026, 3, 3)
    assert (await snapshot(trader, conid, looks=3))["7638"] != before["7638"]


async def test_greeks_may_need_a_line_of_the_underlying(open_house: Callable[..., Any]) -> None:
    house = await open_house(unsettled=Unsettled(greeks_need_underlying=True, slow_looks=1))
    await house.get("/iserver/accounts")
    conid = await option(house)
    row = await snapshot(house, conid, looks=4)
    assert "84" in row
    assert "7308" not in row
    await snapshot(house, AAPL)
    assert "7308" in await snapshot(house, conid)


async def test_on_the_websocket_they_come_with_a_later_frame(trader: Any) -> None:
    conid = await option(trader)
    stream = await (await trader.stream()).welcomed()
    await stream.say(f'smd+{conid}+{{"fields":["84","86","7308","7633","7638"]}}')
    first, second = await stream.next("smd"), await stream.next("smd")
    assert {"84", "conidEx"} <= set(first)
    assert not {"7308", "7633", "7638"} & set(first)
    assert {"7308", "7633", "7638"} <= set(second)
    assert "84" not in second
    trader.advance(minutes=2)
    third = await stream.next("smd")
    assert "7308" in third
    assert "7638" not in third
