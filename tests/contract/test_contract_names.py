"""What callers may call a contract, and what it is called in answers: alike at either door."""

from __future__ import annotations

from typing import Any

import pytest

SPREAD = {"side": "BUY", "qty": 2, "type": "LIMIT", "limit": 3.4}


async def quoted(home: Any, path: str, **query: str) -> dict[str, Any]:
    async with home.http.get(f"/market/quote/{path}", params=query) as answer:
        told: dict[str, Any] = await answer.json()
        assert answer.status == 200, told
        return told


async def previewed(home: Any, **body: object) -> dict[str, Any]:
    status, told = await home.call("POST", "/orders/preview", {"side": "BUY", "qty": 1, "type": "MARKET", **body})
    assert status == 200, told
    found: dict[str, Any] = told["contract"]
    return found


async def chain(home: Any) -> list[dict[str, Any]]:
    expiry = (await home.call("GET", "/market/options/AAPL"))[1]["series"][0]["expiries"][3]
    status, told = await home.call("GET", f"/market/options/AAPL?expiry={expiry}&right=C")
    assert status == 200, told
    options: list[dict[str, Any]] = told["options"]
    return options


async def test_a_chain_names_options_by_words_that_find_them(home: Any) -> None:
    options = (await chain(home))[:3]
    for option in options:
        day = option["expiry"].replace("-", "")[2:]
        name = option["contract"]["local_symbol"]
        assert name == f"AAPL  {day}C{int(option['strike'] * 1000):08d}"
        found = await previewed(home, local_symbol=name, sec_type="OPT")
        assert (found["conid"], found["local_symbol"]) == (option["contract"]["conid"], name)
    first, second = (option["contract"] for option in options[:2])
    assert (await quoted(home, "AAPL", sec_type="OPT", local_symbol=first["local_symbol"]))["conid"] == first["conid"]
    squeezed = " ".join(first["local_symbol"].split()).lower()
    assert (await quoted(home, "aapl", sec_type="opt", local_symbol=squeezed))["conid"] == first["conid"]
    legs = [
        {"local_symbol": leg["local_symbol"], "sec_type": "OPT", "side": side}
        for leg, side in ((first, "BUY"), (second, "SELL"))
    ]
    combo = await previewed(home, **SPREAD, legs=legs)
    assert [(leg["conid"], leg["local_symbol"]) for leg in combo["legs"]] == [
        (leg["conid"], leg["local_symbol"]) for leg in (first, second)
    ]


async def test_a_weekly_on_an_index_is_found_by_its_own_class(home: Any) -> None:
    status, told = await home.call("GET", "/market/options/SPX?sec_type=IND&exchange=CBOE")
    assert status == 200, told
    [weekly] = [series for series in told["series"] if series["trading_class"] == "SPXW"]
    strike = weekly["strikes"][len(weekly["strikes"]) // 2]
    name = f"SPXW  {weekly['expiries'][0].replace('-', '')[2:]}C{strike * 1000:08d}"
    found = await previewed(home, local_symbol=name, sec_type="OPT")
    assert (found["symbol"], found["local_symbol"]) == ("SPX", name)


@pytest.mark.parametrize(
    ("root", "symbol", "exchange"), [("ES", "ES", "CME"), ("CL", "CL", "NYMEX"), ("6E", "EUR", "CME")]
)
async def test_a_future_is_found_by_its_local_symbol(home: Any, root: str, symbol: str, exchange: str) -> None:
    """One of oil ends in the month before the one that names it, one of the euro is called otherwise."""
    status, told = await home.call("GET", f"/market/quote/{symbol}?sec_type=FUT&exchange={exchange}")
    assert (status, told["code"]) == (409, "contract.ambiguous")
    assert told["candidates_total"] >= len(told["candidates"]) > 1
    for candidate in told["candidates"][:3]:
        name = candidate["local_symbol"]
        assert name.startswith(root)
        found = await previewed(home, local_symbol=name, sec_type="FUT", exchange=exchange)
        assert (found["conid"], found["local_symbol"], found["symbol"]) == (candidate["conid"], name, symbol)
        words = {"sec_type": "fut", "exchange": exchange.lower(), "local_symbol": name.lower()}
        assert (await quoted(home, symbol, **words))["conid"] == candidate["conid"]


@pytest.mark.parametrize(
    ("name", "sec_type"),
    [
        ("AAPL  200117C00260000", "OPT"),
        ("AAPL  261399C00260000", "OPT"),
        ("NOSUCH261218C00260000", "OPT"),
        ("ESF6", "FUT"),
        ("ZZZZ6", "FUT"),
    ],
)
async def test_a_local_symbol_that_nothing_has_is_404(home: Any, name: str, sec_type: str) -> None:
    body = {"local_symbol": name, "sec_type": sec_type, "side": "BUY", "qty": 1, "type": "MARKET"}
    status, problem = await home.call("POST", "/orders", {**body, "exchange": "CME" if sec_type == "FUT" else "SMART"})
    assert (status, problem["code"]) == (404, "contract.unknown")


async def test_an_option_without_a_name_is_never_taken_for_its_stock(home: Any) -> None:
    status, problem = await home.call("GET", "/market/quote/AAPL?sec_type=OPT")
    assert (status, problem["code"]) in ((404, "contract.unknown"), (409, "contract.ambiguous"))
    assert "local_symbol" in problem["advice"]
    assert len(problem.get("candidates", ())) <= 20


async def test_upper_and_lower_case_mean_the_same(home: Any) -> None:
    plain = await quoted(home, "AAPL")
    for path, query in (("aapl", {}), ("Aapl", {"currency": "usd", "exchange": "smart", "sec_type": "stk"})):
        assert (await quoted(home, path, **query))["conid"] == plain["conid"]
    assert (await quoted(home, "AAPL", primary_exchange="nasdaq"))["conid"] == plain["conid"]
    assert (await quoted(home, "eur.usd"))["conid"] == (await quoted(home, "EUR.USD"))["conid"]
    order = {"symbol": "aapl", "currency": "usd", "side": "buy", "qty": 1, "type": "limit", "limit": 1, "tif": "day"}
    status, placed = await home.call("POST", "/orders", order)
    assert status == 201, placed
    assert (placed["contract"]["symbol"], placed["contract"]["conid"]) == ("AAPL", plain["conid"])
    assert (await home.call("DELETE", f"/orders/{placed['id']}"))[0] in (200, 202)


async def test_an_exchange_that_does_not_trade_it_is_told_to_be_the_fault(home: Any) -> None:
    status, problem = await home.call("GET", "/market/quote/AAPL?exchange=MOON")
    assert (status, problem["code"]) == (404, "contract.unknown")
    assert problem["advice"] == "MOON is not an exchange of AAPL in USD: leave it out, or name NASDAQ."
    status, problem = await home.call("GET", "/market/quote/ES?sec_type=FUT&exchange=MOON")
    assert (status, problem["code"]) == (404, "contract.unknown")
    assert problem["advice"] == "MOON is not an exchange of ES in USD: leave it out, or name CME."
    status, problem = await home.call("GET", "/market/quote/AAPL?currency=JPY")
    assert (status, problem["code"]) == (404, "contract.unknown")
    assert "name that currency" in problem["advice"]


async def test_a_future_is_traded_at_either_door(home: Any) -> None:
    """US exchanges want to be told whether a person or a program has sent such an order."""
    _status, told = await home.call("GET", "/market/quote/ES?sec_type=FUT&exchange=CME")
    name = told["candidates"][0]["local_symbol"]
    future = {"local_symbol": name, "sec_type": "FUT", "exchange": "CME", "side": "BUY", "qty": 1, "type": "MARKET"}
    _status, order = await home.call("POST", "/orders", future)
    while order["status"] == "awaiting_answer":
        _status, order = await home.call("POST", f"/orders/{order['id']}/answer", {"confirm": True})
    filled = await home.until_order(order["id"], "filled")
    assert filled["contract"]["local_symbol"] == name
