"""The summary of balances, /pa/summary, and what only advisors may send."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from ibkr_sim.exchange.model import DayEnd
from ibkr_sim.webapi.shapes.performance import summary
from ibkr_sim.webapi.track import track

ACCOUNT, SECOND = "DU9912345", "DU9967890"


async def test_balances_follow_the_days_of_the_ledger(house: Any) -> None:
    """The second account is kept in another currency."""
    await house.ready()
    await house.place({"quantity": 50})
    house.advance(days=3)
    house.door.house.sessions.log_in()
    told = await house.post("/pa/summary", {"acctIds": [ACCOUNT, SECOND]})
    total = told["total"]
    assert total["endVal"] == f"{house.market.net_liquidation(ACCOUNT):.2f}"
    assert Decimal(total["startVal"]) + Decimal(total["chg"]) == Decimal(total["endVal"])
    assert (told["startDate"], told["endDate"]) == ("2026-03-02", "2026-03-05")
    (series,) = told["balanceByDate"]["series"]
    assert len(series["date"]) == 4
    assert series["date"][-1][1] == float(total["endVal"])
    assert (told["currency"], told["excludedAccounts"], told["hasExternalAccounts"]) == ("USD", [{"id": SECOND}], False)


def test_accounts_of_one_currency_are_told_as_one() -> None:
    ends = [[DayEnd(date(2026, 3, day), Decimal(100 * factor + day)) for day in (1, 2, 3)] for factor in (1, 2)]
    tracks = [track(name, "USD", days, "7D") for name, days in zip((ACCOUNT, SECOND), ends, strict=True)]
    told = summary(tracks, "simulator", datetime(2026, 3, 3, tzinfo=UTC))
    assert told["total"] == {"startVal": "302.00", "endVal": "306.00", "chg": "4.00", "rtn": "1.32%"} | {
        "incompleteData": False
    }
    assert told["view"] == f"{ACCOUNT},{SECOND}"
    assert [worth for _day, worth in told["balanceByDate"]["series"][0]["date"]] == [304, 306]


async def test_balances_of_nobody_or_of_strangers_are_refused(house: Any) -> None:
    assert (await house.call("POST", "/pa/summary", json={"acctIds": []}))[0] == 400
    assert (await house.call("POST", "/pa/summary", json={"acctIds": ["DU1"]}))[0] == 500


async def test_orders_of_a_group_are_an_advisors(house: Any) -> None:
    status, told = await house.call("POST", "/iserver/account/orders/everybody", json={"orders": []})
    assert (status, told) == (500, {"error": "Account is not a financial advisor's"})
