"""ibind's tour of the rest: lists, scanners, performance, history, advisors, its own life; and that it is whole."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.foreign.ibind_judge import AAPL, ACCOUNT, OAUTH, SECOND, SPY, Judge, keys, keys_of

INSTRUMENT = keys("ST C conid name fullName assetClass ticker chineseName")
SCANNED = keys(
    "server_id symbol conidex con_id available_chart_periods company_name scan_data contract_description_1 "
    "listing_exchange sec_type"
)
SCAN_PARAMETERS = keys("scan_type_list instrument_list filter_list location_tree")
PERFORMANCE = keys("currencyType rc pm nd id included nav cps tpps")
ALL_PERIODS = keys("pm nd id currencyType rc view included") | {ACCOUNT}
PERIOD = keys("freq startNAV dates nav cps")
TRANSACTIONS = keys("rc nd rpnl currency from id to includesRealTime transactions")
TRANSACTION = keys("cur date rawDate fxRate pr qty acctid amt conid type desc")
HMDS_HISTORY = keys("startTime startTimeVal endTime endTimeVal data points mktDataDelay")
PLUMBING = keys("close")
"""Of ibind's own; the fixture calls it. The rest of its plumbing is not IBKR's but its base class's."""


async def test_watchlists(judge: Judge) -> None:
    created = await judge.ask("create_watchlist", "1234", "Tour", [{"C": AAPL}, {"H": ""}, {"C": SPY}])
    assert keys_of(created) == keys("id hash name readOnly instruments")
    (listed,) = (await judge.ask("get_all_watchlists"))["data"]["user_lists"]
    assert (listed["id"], listed["name"], listed["type"]) == ("1234", "Tour", "watchlist")
    thin = await judge.ask("get_watchlist_information", "1234")
    assert keys_of(thin["instruments"][0]) == keys("C conid name")
    first, blank, second = (await judge.ask("get_watchlist_information", "1234"))["instruments"]
    assert (keys_of(first), blank, second["conid"]) == (INSTRUMENT, {"H": ""}, SPY)
    assert (await judge.ask("delete_watchlist", "1234"))["data"] == {"deleted": "1234"}
    with pytest.raises(judge.error(), match="503"):
        await judge.ask("get_watchlist_information", "1234")


async def test_scanners(judge: Judge) -> None:
    assert keys_of(await judge.ask("scanner_parameters")) == SCAN_PARAMETERS
    filters = [{"code": "priceAbove", "value": 5}]
    told = await judge.ask("market_scanner", "STK", "TOP_PERC_GAIN", "STK.US.MAJOR", filters)
    first, second, *_more = told["contracts"]
    assert (keys_of(first), keys_of(second)) == (SCANNED | {"column_name"}, SCANNED)
    assert told["scan_data_column_name"] == first["column_name"] == "Chg%"
    with pytest.raises(judge.error(), match="500"):
        await judge.ask("market_scanner", "STK", "TOTALLY_INVALID", "STK.US.MAJOR")


async def test_historical_data(judge: Judge) -> None:
    with pytest.raises(judge.error(), match="404"):
        await judge.ask("hmds_scanner_parameters")
    assert keys_of(await judge.ask("hmds_scanner_parameters")) == SCAN_PARAMETERS
    scan = ("STK", "STK.US.MAJOR", "MOST_ACTIVE", "STK", [{"priceAbove": 5}], 3)
    told = await judge.ask("hmds_market_scanner", *scan)
    assert (told["size"], len(told["Contracts"]["Contract"])) == ("3", 3)
    start = datetime(2026, 2, 25, 21, 0, tzinfo=UTC)
    history = await judge.ask("historical_marketdata_beta", str(AAPL), "1d", "1hrs", start_time=start, bar_type="Last")
    assert keys_of(history) == HMDS_HISTORY
    assert keys_of(history["data"][0]) == keys("t o c h l v")
    assert (len(history["data"]), history["points"]) == (7, 7)


async def test_performance(judge: Judge) -> None:
    await judge.ask("receive_brokerage_accounts")
    worth = float(judge.market.net_liquidation(ACCOUNT))
    await judge.place(quantity=50)
    await judge.return_tomorrow()
    day_ends = [float(day.net_liquidation) for day in judge.market.day_ends(ACCOUNT)]
    now = float(judge.market.net_liquidation(ACCOUNT))
    told = await judge.ask("account_performance", ACCOUNT, "1M")
    assert keys_of(told) == PERFORMANCE
    (row,) = told["nav"]["data"]
    assert row["startNAV"] == {"date": "20260301", "val": worth}
    assert (told["nav"]["dates"], row["navs"]) == (["20260302", "20260303"], [day_ends[1], now])
    assert told["cps"]["data"][0]["returns"][-1] == pytest.approx(now / worth - 1, abs=1e-8)
    whole = await judge.ask("all_periods", ACCOUNT)
    assert keys_of(whole) == ALL_PERIODS
    assert keys_of(whole[ACCOUNT]["1D"]) == PERIOD
    assert whole[ACCOUNT]["1D"]["nav"] == [now]
    with pytest.raises(judge.error(), match="400"):
        await judge.ask("account_performance", ACCOUNT, "INVALID")


async def test_transactions(judge: Judge) -> None:
    await judge.ask("receive_brokerage_accounts")
    await judge.place(quantity=10)
    await judge.place(quantity=4, side="SELL")
    told = await judge.ask("transaction_history", [ACCOUNT], [str(AAPL)], "USD", 30)
    assert keys_of(told) == TRANSACTIONS
    trades = [execution for execution, _charge in judge.market.executions()]
    assert [(row["pr"], row["acctid"]) for row in told["transactions"]] == [
        (float(trade.price), ACCOUNT) for trade in trades
    ]
    first, *_middle, last = told["transactions"]
    assert (keys_of(first), first["type"], first["amt"]) == (TRANSACTION, "Buy", -first["qty"] * first["pr"])
    assert (last["type"], sum(row["qty"] for row in told["transactions"])) == ("Sell", 6)
    held = judge.market.position(ACCOUNT, AAPL)
    assert held is not None
    assert float(told["rpnl"]["amt"]) == pytest.approx(float(held.realized_pnl), abs=1e-4)


async def test_advisors(judge: Judge) -> None:
    """Nobody here is one."""
    with pytest.raises(judge.error(), match="500"):
        await judge.ask("fa_model_list", 1)
    for call in (
        judge.ask("fa_model_positions", 1, "Sample"),
        judge.ask("fa_model_summary", 1, "Sample"),
        judge.ask("fa_model_accounts_details", 1, "Sample"),
        judge.ask("fa_model_save", 1, "Sample", "text", is_static=True, cash_targets=[], position_targets=[]),
        judge.ask("fa_model_invest_divest", 1, "Sample", []),
        judge.ask("fa_model_invest_divest_positions", 1, "Sample"),
        judge.ask("fa_model_submit_transfers", 1, 2),
        judge.ask("fa_preset_get", 1),
        judge.ask("fa_preset_save", 1),
    ):
        with pytest.raises(judge.error(), match="500"):
            await call


async def test_the_clients_own_life(open_judge: Callable[[str], Awaitable[Judge]]) -> None:
    judge = await open_judge(OAUTH)
    with pytest.warns(DeprecationWarning, match="handle_health_status"):
        assert await judge.ask("handle_health_status") is True
    await judge.ask("generate_live_session_token")
    await judge.ask("oauth_init", maintain_oauth=True, init_brokerage_session=True)
    await judge.ask("stop_tickler", 5)
    await judge.ask("start_tickler", 60)
    await judge.ask("oauth_shutdown")
    with pytest.raises(judge.error(), match="401"):
        await judge.ask("account_summary", SECOND)


def test_the_tour_leaves_no_method_of_the_client_out(ibind: Any) -> None:
    base = next(kind for kind in ibind.IbkrClient.__mro__ if kind.__name__ == "RestClient")
    public = {name for name, _method in inspect.getmembers(ibind.IbkrClient, callable) if not name.startswith("_")}
    wanted = public - {name for name in vars(base) if name not in PLUMBING} - PLUMBING
    called = {name for file in Path(__file__).parent.glob("test_ibind_*.py") for name in asked_in(file)}
    assert len(wanted) > 80
    assert wanted - called == set()


def asked_in(file: Path) -> set[str]:
    """Names of the methods that a file of the tour asks for."""
    calls = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)]
    asks = [node for node in calls if isinstance(node.func, ast.Attribute) and node.func.attr in ("ask", "twice")]
    return {str(node.args[0].value) for node in asks if node.args and isinstance(node.args[0], ast.Constant)}
