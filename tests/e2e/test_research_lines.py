"""Books and questions at TWS: one line for all, over reconnects, and what IBKR's limits make of one too many."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import ib_async
import pytest

from ibkr_bridge.upstream.tws.history import LIMITS
from tests.house import sent, told

AAPL = 265598
SUBSCRIBE = {"action": "subscribe", "channel": "depth", "symbol": "AAPL"}


async def test_a_book_goes_stale_with_the_connection_and_lives_on_with_the_next(home: Any) -> None:
    async with home.http.ws_connect("/ws/stream") as socket:
        await socket.send_json(SUBSCRIBE)
        await told(socket, "depth")
        home.tap.closed = True
        home.tap.cut()
        stale = await told(socket, "status", channel="depth", status="stale")
        assert stale["reason"]
        async with home.http.get("/market/depth/AAPL") as answer:
            assert (await answer.json())["stale"]
        home.tap.closed = False
        await told(socket, "status", channel="depth", status="live")
        assert (await told(socket, "depth"))["bids"]
        assert len(sent(home, "10")) == 1


async def test_a_book_that_ibkr_begins_anew_keeps_nothing_of_the_old(home: Any) -> None:
    async with home.http.ws_connect("/ws/stream") as socket:
        await socket.send_json(SUBSCRIBE)
        await told(socket, "depth")
        number = int(sent(home, "10")[0][2])
        home.tap.muted = True
        await asyncio.sleep(0.1)
        home.tap.message(number, 317, "Market depth data has been RESET. Please empty deep book contents.")
        home.tap.whisper(13, 1, number, 0, "ISLAND", 0, 1, "1.25", "300", 1)
        home.tap.whisper(13, 1, number, 0, "ARCA", 0, 0, "1.50", "200", 1)
        home.tap.whisper(13, 1, number, 0, "BATS", 0, 0, "1.40", "100", 1)
        home.tap.whisper(13, 1, number, 7, "BATS", 2, 0, "0", "0", 1)
        home.tap.whisper(13, 1, number, 1, "EDGX", 1, 0, "1.45", "5", 1)
        async with asyncio.timeout(10):
            while True:
                book = await told(socket, "depth")
                if len(book["asks"]) == 2 and book["asks"][1]["price"] == 1.45:
                    break
        assert book["bids"] == [{"price": 1.25, "size": 300, "exchange": "ISLAND"}]
        assert book["asks"] == [
            {"price": 1.4, "size": 100, "exchange": "BATS"},
            {"price": 1.45, "size": 5, "exchange": "EDGX"},
        ]


async def test_one_book_too_many_is_refused_with_ibkrs_word_until_one_is_free(home: Any) -> None:
    symbols = ("AAPL", "MSFT", "SPY", "NVDA")
    async with home.http.ws_connect("/ws/stream") as socket:
        for symbol in symbols[:3]:
            await socket.send_json({**SUBSCRIBE, "symbol": symbol})
            await told(socket, "depth", symbol=symbol)
        status, problem = await home.call("GET", f"/market/depth/{symbols[3]}")
        assert (status, problem["code"], problem["ibkr_code"]) == (422, "broker.no_line", 309)
        await socket.send_json({**SUBSCRIBE, "action": "unsubscribe", "symbol": "AAPL", "id": 1})
        await told(socket, "ack", id=1)
        status, found = await home.call("GET", f"/market/depth/{symbols[3]}")
        assert (status, found["symbol"]) == (200, symbols[3])


async def test_books_that_were_only_looked_at_give_way_to_others(home: Any) -> None:
    symbols = ("AAPL", "MSFT", "SPY", "NVDA", "IBM")
    for symbol in symbols[:4]:
        status, found = await home.call("GET", f"/market/depth/{symbol}")
        assert (status, found["symbol"]) == (200, symbol)
    async with home.http.ws_connect("/ws/stream") as socket:
        await socket.send_json({**SUBSCRIBE, "symbol": symbols[4]})
        book = await told(socket, "depth", symbol=symbols[4])
        assert book["bids"]
        assert book["asks"]


async def test_a_refused_book_comes_by_itself_once_another_is_free(home: Any) -> None:
    symbols = ("AAPL", "MSFT", "SPY", "NVDA")
    async with home.http.ws_connect("/ws/stream") as others, home.http.ws_connect("/ws/stream") as socket:
        for symbol in symbols[:3]:
            await others.send_json({**SUBSCRIBE, "symbol": symbol})
            await told(others, "depth", symbol=symbol)
        await socket.send_json({**SUBSCRIBE, "symbol": symbols[3]})
        stale = await told(socket, "status", channel="depth", status="stale")
        assert "309" in str(stale) or stale["reason"]
        status, _found = await home.call("GET", f"/market/depth/{symbols[3]}")
        assert status == 422
        await others.close()
        await home.call("GET", "/market/depth/IBM")
        assert (await told(socket, "depth", symbol=symbols[3]))["asks"]


async def test_the_same_question_of_many_is_one_at_ibkr(home: Any) -> None:
    asking = [home.call("GET", "/market/search?q=MSFT") for _caller in range(20)]
    asking += [home.call("GET", "/market/scanner/parameters") for _caller in range(5)]
    found = await asyncio.gather(*asking)
    assert {status for status, _told in found} == {200}
    assert (len(sent(home, "81")), len(sent(home, "24"))) == (1, 1)
    assert (await home.call("GET", "/market/search?q=msft"))[0] == 200
    assert len(sent(home, "81")) == 1


async def test_a_budget_used_up_is_no_lost_session_and_says_when_to_come_again(
    home: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ibkr_bridge.upstream.tws.history.LIMITS", replace(LIMITS, window_count=1))
    assert (await home.call("GET", "/market/ticks/AAPL"))[0] == 200
    async with asyncio.timeout(5), home.http.get("/market/ticks/MSFT") as answer:
        problem = await answer.json()
        assert (answer.status, problem["code"], problem["retryable"]) == (503, "broker.busy", True)
        assert 590 < int(answer.headers["Retry-After"]) == problem["retry_after"] <= 600
    assert "session" not in problem["title"]
    assert len(sent(home, "96")) == 1
    assert (await home.call("GET", "/readyz"))[0] == 200


async def test_silence_is_a_504_and_a_lost_gateway_a_503(hasty: Any) -> None:
    hasty.tap.muted = True
    status, problem = await hasty.call("GET", "/market/search?q=MSFT")
    assert (status, problem["code"]) == (504, "broker.silent")
    hasty.tap.closed = True
    hasty.tap.cut()
    await hasty.until_ready(ready=False)
    for path in ("/market/search?q=SPY", "/market/scanner?scan=MOST_ACTIVE", "/news", "/market/depth/conid?conid=9"):
        status, problem = await hasty.call("GET", path)
        assert (status, problem["code"]) == (503, "broker.away"), path


async def test_what_was_kept_is_told_marked_while_the_gateway_is_away(home: Any) -> None:
    assert (await home.call("GET", "/news"))[0] == 200
    home.tap.closed = True
    home.tap.cut()
    await home.until_ready(ready=False)
    status, found = await home.call("GET", "/news")
    assert (status, bool(found["providers"])) == (200, True)
    assert found["stale"]


async def test_executions_of_others_are_listed_without_an_order_of_ours(home: Any) -> None:
    status, order = await home.call("POST", "/orders", {"symbol": "AAPL", "side": "BUY", "qty": 1, "type": "MARKET"})
    assert status == 201
    await home.until_order(order["id"], "filled")
    other = ib_async.IB()
    await other.connectAsync("127.0.0.1", home.simulator.tws_port, clientId=7)
    try:
        contract = ib_async.Contract(conId=AAPL, exchange="SMART")
        other.placeOrder(contract, ib_async.MarketOrder("SELL", 2, account=home.account))
        home.tap.cut()  # a new session looks at everything there is

        async def both() -> list[dict[str, Any]]:
            rows: list[dict[str, Any]] = (await home.call("GET", "/executions"))[1]["executions"]
            return rows if len(rows) == 2 else []

        ours, theirs = await home.until(both)
    finally:
        other.disconnect()
    assert (ours["order_id"], ours["side"], ours["qty"]) == (order["id"], "BUY", 1)
    assert (theirs["order_id"], theirs["client_order_id"], theirs["side"], theirs["qty"]) == (None, None, "SELL", 2)
    assert theirs["broker"]["client_id"] == 7


async def test_a_conid_with_an_exchange_means_that_exchanges_book(home: Any) -> None:
    for path in (f"/market/depth/AAPL?conid={AAPL}&exchange=ARCA", "/market/depth/AAPL?exchange=ARCA"):
        status, found = await home.call("GET", path)
        assert (status, found["exchange"], found["conid"]) == (200, "ARCA", AAPL), found
    async with home.http.ws_connect("/v1/api/ws") as socket:
        await socket.send_str(f"sbd+{home.account}+{AAPL}+ARCA")
        async with asyncio.timeout(10):
            while (told := await socket.receive_json()).get("topic") != f"sbd+{home.account}+{AAPL}+ARCA":
                assert "error" not in told
    assert len(sent(home, "10")) == 1


async def test_a_contract_for_difference_is_quoted_with_its_stocks_data(home: Any) -> None:
    """IBKR has none for it, and says whose to ask for."""
    status, quote = await home.call("GET", "/market/quote/AAPL?sec_type=CFD")
    assert status == 200, quote
    assert quote["conid"] != AAPL
    stock = (await home.call("GET", "/market/quote/AAPL"))[1]
    assert quote["stale"] is None
    assert abs(quote["bid"] - stock["bid"]) < 1
    status, book = await home.call("GET", "/market/depth/AAPL?sec_type=CFD")
    assert (status, book["conid"]) == (200, quote["conid"]), book
    assert book["bids"]
