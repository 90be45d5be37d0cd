"""Portfolios and account figures, checked against the exchange's books."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from ibkr_sim.webapi.settings import Unprimed, Unsettled

ACCOUNT, SECOND = "DU9912345", "DU9967890"
AAPL = 265598
THIN = 21


def book(house: Any, key: str, currency: str = "USD") -> float:
    rows = house.market.account_values(ACCOUNT)
    return float(next(row.value for row in rows if (row.key, row.currency) == (key, currency)))


async def test_a_position_is_thin_at_first_and_then_told_in_full(house: Any) -> None:
    await house.ready()
    await house.place({})
    (thin,) = await house.get(f"/portfolio/{ACCOUNT}/positions/0")
    assert (len(thin), thin["strike"], thin["multiplier"]) == (THIN, 0.0, None)
    (full,) = await house.get(f"/portfolio/{ACCOUNT}/positions/0")
    held = house.market.position(ACCOUNT, AAPL)
    assert (full["ticker"], full["name"], full["strike"], full["multiplier"]) == ("AAPL", "APPLE INC", "0", 0.0)
    assert (full["position"], full["avgCost"]) == (10.0, float(held.average_cost))
    assert (full["mktValue"], full["unrealizedPnl"]) == (float(held.market_value), float(held.unrealized_pnl))
    assert full["baseMktValue"] == float(held.market_value)
    assert await house.get(f"/portfolio/{ACCOUNT}/positions/1") == []


async def test_the_uncached_positions_speak_of_market_price(trader: Any) -> None:
    await trader.place({})
    (row,) = await trader.get(f"/portfolio2/{ACCOUNT}/positions")
    held = trader.market.position(ACCOUNT, AAPL)
    assert (row["conid"], row["marketPrice"], row["position"]) == (str(AAPL), float(held.market_price), 10.0)
    assert await trader.get(f"/portfolio2/{ACCOUNT}/position/{AAPL}") == [row]


async def test_a_position_is_found_by_its_conid(trader: Any) -> None:
    await trader.place({})
    path = f"/portfolio/{ACCOUNT}/position/{AAPL}"
    assert len((await trader.get(path))[0]) == THIN
    assert (await trader.get(path))[0]["ticker"] == "AAPL"
    assert await trader.get(f"/portfolio/{ACCOUNT}/position/8314") == []
    everywhere = await trader.get(f"/portfolio/positions/{AAPL}")
    assert set(everywhere) == {ACCOUNT, f"{ACCOUNT}C"}
    assert await trader.get(f"/portfolio/{ACCOUNT}/combo/positions") == []


async def test_cached_positions_lag_behind_until_they_are_invalidated(open_house: Callable[..., Any]) -> None:
    house = await open_house(position_lag=timedelta(minutes=3))
    await house.ready()
    await house.get(f"/portfolio/{ACCOUNT}/positions/0")
    await house.place({})
    assert await house.get(f"/portfolio/{ACCOUNT}/positions/0") == []
    assert await house.post(f"/portfolio/{ACCOUNT}/positions/invalidate") == {"message": "success"}
    assert len(await house.get(f"/portfolio/{ACCOUNT}/positions/0")) == 1


async def test_the_ledger_is_that_of_the_exchange(trader: Any) -> None:
    await trader.place({})
    told = await trader.get(f"/portfolio/{ACCOUNT}/ledger")
    assert set(told) == {"USD", "BASE"}
    for currency, row in told.items():
        assert row["cashbalance"] == book(trader, "CashBalance", currency)
        assert row["netliquidationvalue"] == book(trader, "NetLiquidationByCurrency", currency)
        assert row["secondkey"] == currency
        assert ("endofbundle" in row) is (currency == "USD")


async def test_summaries_are_those_of_the_exchange(trader: Any) -> None:
    await trader.place({})
    summary = await trader.get(f"/portfolio/{ACCOUNT}/summary")
    assert summary["netliquidation"]["amount"] == book(trader, "NetLiquidation")
    assert summary["accounttype"]["value"] == "INDIVIDUAL"
    brokerage = await trader.get(f"/iserver/account/{ACCOUNT}/summary")
    assert brokerage["netLiquidationValue"] == book(trader, "NetLiquidation")
    assert brokerage["cashBalances"][0]["balance"] == book(trader, "CashBalance")
    funds = await trader.get(f"/iserver/account/{ACCOUNT}/summary/available_funds")
    assert funds["total"]["current_available"] == f"{book(trader, 'AvailableFunds'):,.0f} USD"
    for part in ("balances", "margins", "market_value"):
        assert (await trader.call("GET", f"/iserver/account/{ACCOUNT}/summary/{part}"))[0] == 200
        assert (await trader.call("GET", f"/iserver/account/U1/summary/{part}"))[0] == 400


async def test_profit_and_loss_answers_empty_at_first(trader: Any) -> None:
    await trader.place({})
    path = "/iserver/account/pnl/partitioned"
    assert await trader.get(path) == {"upnl": {}}
    row = (await trader.get(path))["upnl"][f"{ACCOUNT}.Core"]
    pnl = trader.market.pnl(ACCOUNT)
    assert (row["dpl"], row["upl"]) == (float(pnl.daily), float(pnl.unrealized))
    assert row["nl"] == float(trader.market.net_liquidation(ACCOUNT))


async def test_allocation_adds_up_to_the_portfolio(trader: Any) -> None:
    await trader.place({})
    told = await trader.get(f"/portfolio/{ACCOUNT}/allocation")
    total = sum(told["assetClass"]["long"].values())
    assert Decimal(str(total)) == trader.market.net_liquidation(ACCOUNT)
    both = await trader.post("/portfolio/allocation", {"acctIds": [ACCOUNT, SECOND]})
    assert both == await trader.get(f"/portfolio/allocation?acctIds={ACCOUNT}&acctIds={SECOND}")
    assert (await trader.call("POST", "/portfolio/allocation", json={"acctIds": []}))[0] == 400


async def test_an_unknown_account_gets_an_empty_401(trader: Any) -> None:
    for path in ("/portfolio/U1/ledger", "/portfolio/U1/meta", "/acesws/U1/signatures-and-owners"):
        assert await trader.call("GET", path) == (401, "")


@pytest.mark.parametrize(
    ("unprimed", "status", "body"),
    [(Unprimed.EMPTY, 200, {}), (Unprimed.REFUSED, 401, ""), (Unprimed.SERVED, 200, None)],
)
async def test_portfolios_want_their_accounts_asked_for_first(
    open_house: Callable[..., Any], unprimed: Unprimed, status: int, body: object
) -> None:
    house = await open_house(unsettled=Unsettled(unprimed_portfolio=unprimed))
    answered, told = await house.call("GET", f"/portfolio/{ACCOUNT}/ledger")
    assert answered == status
    assert told == body if body is not None else "USD" in told
    await house.get("/portfolio/accounts")
    assert "USD" in await house.get(f"/portfolio/{ACCOUNT}/ledger")


async def test_accounts_tell_what_they_are(house: Any) -> None:
    rows = await house.get("/portfolio/accounts")
    assert [(row["id"], row["currency"], row["type"]) for row in rows] == [
        (ACCOUNT, "USD", "DEMO"), (SECOND, "CHF", "DEMO"),
    ]  # fmt: skip
    assert await house.get("/portfolio/subaccounts") == rows
    assert await house.get("/portfolio/subaccounts2?page=0") == rows
    assert await house.get(f"/portfolio/{ACCOUNT}/meta") == rows[0]
    told = await house.get("/iserver/accounts")
    assert (told["accounts"], told["selectedAccount"]) == ([ACCOUNT, SECOND, "All"], ACCOUNT)
    assert told["isPaper"] is True


async def test_dynamic_accounts_are_not_permitted(trader: Any) -> None:
    assert (await trader.call("GET", "/iserver/account/search/DU"))[0] == 503
    refused = await trader.call("POST", "/iserver/dynaccount", json={"acctId": ACCOUNT})
    assert refused == (401, {"error": "Acct not found from search result"})
