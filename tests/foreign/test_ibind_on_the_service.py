"""ibind, unmodified, with its url pointed at the service: at either of IBKR's doors behind it."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Literal

import pytest

from ibkr_bridge.config.settings import (
    ApiSettings,
    GuardSettings,
    JournalSettings,
    Settings,
    TradingSettings,
    TwsSettings,
    UpstreamSettings,
)
from ibkr_bridge.config.webapi import WebApiSettings
from ibkr_bridge.domain.world import World
from ibkr_bridge.runtime.service import running
from ibkr_sim.server import Simulator, SimulatorSettings
from ibkr_sim.tws.settings import TwsSettings as TwsDoor
from ibkr_sim.webapi.settings import WebApiSettings as WebDoor
from tests.foreign.ibind_judge import AAPL, ACCOUNT, GATEWAY, PATIENCE, SECOND, Judge, Sink, keys, keys_of

Door = Literal["tws", "webapi"]
STATUS = keys("MAC authenticated competing connected fail hardware_info message serverInfo established")
LIVE_ORDER = keys(
    "account acct bgColor cashCcy companyName conid conidex description1 fgColor filledQuantity lastExecutionTime "
    "lastExecutionTime_r listingExchange orderDesc orderId orderType order_ccp_status order_ref origOrderType "
    "outsideRTH price remainingQuantity secType side sizeAndFills status supportsTaxOpt ticker timeInForce totalSize"
)
ORDER_STATUS = keys(
    "account alert_active allowed_duplicate_opposite available_chart_periods bg_color cannot_cancel_order "
    "child_order_type company_name conid conidex contract_description_1 cum_fill currency deactivate_order "
    "editable_fields exit_strategy_chart_description exit_strategy_display_price exit_strategy_tool_availability "
    "fg_color limit_price listing_exchange option_acct order_ccp_status order_clearing_account order_description "
    "order_description_with_contract order_id order_not_editable order_status order_status_description order_time "
    "order_type outside_rth request_id sec_type server_id side size size_and_fills sub_type symbol tif total_size "
    "use_price_mgmt_algo"
)
POSITION = keys("acctId avgCost avgPrice conid contractDesc currency mktPrice mktValue name position ticker")


@asynccontextmanager
async def service(simulator: Simulator, door: Door) -> AsyncIterator[str]:
    """The service in front of the simulator; its address."""
    assert simulator.webapi is not None
    settings = Settings(
        api=ApiSettings(port=0),
        upstream=UpstreamSettings(door=door),
        tws=TwsSettings(port=simulator.tws_port, request_timeout=2),
        webapi=WebApiSettings(url=simulator.webapi.url, regulatory_snapshots_per_day=1),
        trading=TradingSettings(read_only=False, world=World.SIMULATED, reset_windows=()),
        journal=JournalSettings(url="memory"),
        guards=GuardSettings.wide_open(),
    )
    async with running(settings) as one:
        yield f"{one.url}/v1/api"


@pytest.fixture
async def point(ibind: Any) -> AsyncIterator[Callable[[Door], Awaitable[Judge]]]:
    """Points ibind at a service at that door. Time stands still, so that what was told is what the books say."""
    opening = SimulatorSettings(
        tws=TwsDoor(port=0, beat=0.02),
        webapi=WebDoor(port=0, auto_login=True, cadence=0.02, heartbeat=0.2),
        control_port=None,
        start=datetime(2026, 3, 2, 15, 0, tzinfo=UTC),
        speed=0,
    )
    async with Simulator(opening) as simulator:
        opened: list[tuple[Judge, Any]] = []

        async def pointed(door: Door) -> Judge:
            serving = service(simulator, door)
            judge = Judge(simulator, GATEWAY, ibind, None)
            judge.url = await serving.__aenter__()
            await judge.connect()
            opened.append((judge, serving))
            return judge

        yield pointed
        for judge, serving in opened:
            await asyncio.to_thread(judge.rest.close)
            await serving.__aexit__(None, None, None)


@pytest.fixture(params=["tws", "webapi"])
async def judge(request: pytest.FixtureRequest, point: Callable[[Door], Awaitable[Judge]]) -> Judge:
    return await point(request.param)


@pytest.fixture
async def web(point: Callable[[Door], Awaitable[Judge]]) -> Judge:
    return await point("webapi")


async def test_sessions(judge: Judge) -> None:
    assert keys_of(await judge.ask("authentication_status")) == STATUS
    assert set(await judge.ask("tickle")) == keys("session hmds iserver ssoExpires collission userId")
    assert await judge.ask("check_health") is True
    assert await judge.ask("check_auth_status") is True
    assert await judge.ask("handle_auth_status") is True
    assert (await judge.ask("validate"))["RESULT"] is True
    assert (await judge.ask("initialize_brokerage_session"))["authenticated"] is True
    assert await judge.ask("reauthenticate") == {"message": "triggered"}
    assert await judge.ask("logout") == {"status": True}
    assert (await judge.ask("portfolio_accounts"))[0]["accountId"] == ACCOUNT


async def test_accounts(judge: Judge) -> None:
    told = await judge.ask("receive_brokerage_accounts")
    assert (told["accounts"], told["selectedAccount"]) == ([ACCOUNT, SECOND, "All"], ACCOUNT)
    await judge.place()
    summary = await judge.ask("account_summary")
    assert summary["netLiquidationValue"] == judge.value("NetLiquidation")
    upnl = (await judge.ask("account_profit_and_loss"))["upnl"]
    assert set(upnl) == {f"{ACCOUNT}.Core"}
    with pytest.raises(judge.error(), match="401"):
        await judge.ask("set_dynamic_account", "U1")
    assert await judge.ask("switch_account", SECOND) == {"set": True, "acctId": SECOND}
    assert (await judge.ask("receive_brokerage_accounts"))["selectedAccount"] == SECOND


async def test_contracts_and_prices(judge: Judge) -> None:
    assert await judge.ask("stock_conid_by_symbol", ["AAPL", "SPY"]) == {"AAPL": AAPL, "SPY": 756733}
    (row, _mexico) = await judge.ask("search_contract_by_symbol", "AAPL")
    assert keys_of(row) == keys("conid companyHeader companyName symbol description restricted sections")
    assert (await judge.ask("security_definition_by_conid", str(AAPL)))["secdef"][0]["ticker"] == "AAPL"
    told = await judge.ask("live_marketdata_snapshot_by_symbol", ["AAPL", "SPY"], ["31", "84", "86", "87", "83"])
    quote = judge.market.quote(AAPL)
    assert (told["AAPL"]["bid_price"], told["AAPL"]["ask_price"]) == (f"{quote.bid:.2f}", f"{quote.ask:.2f}")
    (row,) = await judge.ask("live_marketdata_snapshot", str(AAPL), ["31", "84"])
    assert row["31"] == f"{quote.last:.2f}"
    await judge.ask("marketdata_unsubscribe", [str(AAPL)])
    assert await judge.ask("marketdata_unsubscribe_all") == {"unsubscribed": True}


async def test_orders(judge: Judge) -> None:
    placed = await judge.place(coid="tour-1")
    assert (placed["order_status"], placed["local_order_id"]) == ("Filled", "tour-1")
    limit = {"order_type": "LMT", "price": judge.price("0.99"), "coid": "tour-2", "tif": "GTC"}
    resting = await judge.place(**limit)
    assert resting["order_status"] == "Submitted"
    live = await judge.ask("live_orders")
    assert live["snapshot"] is True
    rows = {row["orderId"]: row for row in live["orders"]}
    assert keys_of(rows[int(resting["order_id"])]) >= LIVE_ORDER
    assert rows[int(placed["order_id"])]["status"] == "Filled"
    assert await judge.ask("live_orders", filters=["cancelled"]) == {"orders": [], "snapshot": True}
    status = await judge.ask("order_status", resting["order_id"])
    assert keys_of(status) >= ORDER_STATUS
    assert status["limit_price"] == f"{limit['price']:.2f}"
    (trade,) = await judge.ask("trades")
    ((execution, _charge),) = judge.market.executions()
    assert (trade["execution_id"], trade["order_ref"]) == (execution.exec_id, "tour-1")
    changed = judge.order(**(limit | {"price": judge.price("0.98")}))
    await judge.ask("modify_order", resting["order_id"], changed, yes_to_all(judge))
    (working,) = judge.market.open_orders()
    assert float(working.request.limit_price or 0) == judge.price("0.98")
    cancelled = await judge.ask("cancel_order", resting["order_id"])
    assert keys_of(cancelled) == keys("msg order_id conid account")
    assert judge.market.open_orders() == []
    assert (await judge.place(**limit))["order_id"] == resting["order_id"]
    with pytest.raises(judge.error(), match="already registered"):
        await judge.place(**limit, quantity=11)


async def test_previews(judge: Judge) -> None:
    preview = await judge.ask("whatif_order", judge.order(order_type="LMT", price=judge.price("0.99")))
    assert keys_of(preview) >= keys("amount equity initial maintenance position warn error")
    assert preview["equity"]["current"] == f"{judge.market.net_liquidation(ACCOUNT):,.0f}"


async def test_portfolio(judge: Judge) -> None:
    await judge.place()
    rows = await judge.ask("portfolio_accounts")
    assert {row["accountId"] for row in rows} == {ACCOUNT, SECOND}
    assert (await judge.ask("portfolio_account_information"))["id"] == ACCOUNT
    summary = await judge.ask("portfolio_summary")
    assert summary["totalcashvalue"]["amount"] == judge.value("TotalCashValue")
    assert (await judge.ask("get_ledger"))["USD"]["cashbalance"] == judge.value("CashBalance")
    held = judge.market.position(ACCOUNT, AAPL)
    assert held is not None
    (row,) = await judge.ask("positions")
    assert keys_of(row) >= POSITION
    assert (row["position"], row["avgCost"]) == (float(held.quantity), float(held.average_cost))
    (second,) = await judge.ask("positions2")
    assert second["marketValue"] == float(held.market_value)
    (single,) = await judge.ask("positions_by_conid", ACCOUNT, str(AAPL))
    assert single["conid"] == AAPL


async def test_questions_of_the_web_api(web: Judge) -> None:
    ids = ["o354", "o10151", "o10153"]
    assert await web.ask("suppress_messages", ids) == {"status": "submitted"}
    assert (await web.ask("place_order", web.order(), {}))["order_status"] == "Filled"
    assert await web.ask("reset_suppressed_messages") == {"status": "submitted"}
    with pytest.raises(ValueError, match="No answer found"):
        await web.ask("place_order", web.order(), {})
    with pytest.raises(web.error(), match="reply id not found"):
        await web.ask("reply", "0-0", True)


async def test_what_only_the_web_api_tells(web: Judge) -> None:
    await web.place()
    (details,) = await web.ask("search_secdef_info_by_conid", str(AAPL), "STK", "")
    assert details["conid"] == AAPL
    assert await web.ask("search_strikes_by_conid", str(AAPL), "OPT", "JAN27") == {"call": [], "put": []}
    both = await web.ask("info_and_rules_by_conid", str(AAPL), True)
    assert await web.ask("search_contract_rules", str(AAPL)) == both["rules"]
    assert await web.ask("algo_params_by_conid", str(AAPL)) == {"algos": []}
    assert {row["ticker"] for row in await web.ask("all_conids_by_exchange", "EBS")} >= {"NESN", "UBSG", "ROG"}
    assert await web.ask("security_future_by_symbol", "NONE") == {"NONE": []}
    assert {row["symbol"] for row in (await web.ask("currency_pairs", "CHF"))["CHF"]} >= {"USD.CHF", "EUR.CHF"}
    assert (await web.ask("currency_exchange_rate", "USD", "CHF"))["rate"] > 0
    assert (await web.ask("trading_schedule_by_symbol", "STK", "AAPL"))[0]["timezone"] == "US/Eastern"
    assert (await web.ask("signatures_and_owners"))["accountId"] == ACCOUNT
    assert set(await web.ask("position_and_contract_info", str(AAPL))) == {ACCOUNT, f"{ACCOUNT}C"}
    assert await web.ask("combination_positions") == []
    assert await web.ask("invalidate_backend_portfolio_cache") == {"message": "success"}
    allocation = await web.ask("portfolio_account_allocation")
    assert await web.ask("portfolio_account_allocations", [ACCOUNT]) == allocation
    with pytest.raises(web.error(), match="503"):
        await web.ask("search_dynamic_account", "DU")
    assert (await web.ask("regulatory_snapshot", str(AAPL)))["84"] == f"{web.market.quote(AAPL).bid:.2f}"
    with pytest.raises(web.error(), match=r"snapshot\.not_allowed"):
        await web.ask("regulatory_snapshot", str(AAPL))


async def test_history(judge: Judge) -> None:
    told = await judge.ask("marketdata_history_by_symbol", "AAPL", "1d", period="1w")
    assert (len(told["data"]), told["points"], told["barLength"]) == (5, 4, 86400)
    several = await judge.ask("marketdata_history_by_symbols", ["AAPL", "SPY", "IBM"], period="1d", bar="1h")
    assert all(len(bars) > 1 for bars in several.values())


async def test_what_tws_does_not_tell_is_refused(point: Callable[[Door], Awaitable[Judge]]) -> None:
    judge = await point("tws")
    with pytest.raises(judge.error(), match="501"):
        await judge.ask("scanner_parameters")


async def test_the_websocket(judge: Judge) -> None:
    await judge.place(coid="before")
    sink = Sink()
    socket = await asyncio.to_thread(_socket, judge, sink)
    try:
        (quotes, *_more) = await asyncio.to_thread(sink.wait, "MarketData")
        assert quotes.data["bid_price"] == f"{judge.market.quote(AAPL).bid:.2f}"
        await judge.place(coid="after", quantity=5)
        orders = await asyncio.to_thread(sink.wait, "Orders")
        assert orders[-1].data["args"][0]["order_ref"] == "after"
        trades = await asyncio.to_thread(sink.wait, "Trades", 3)
        assert [row["order_ref"] for event in trades for row in event.data["args"]][:2] == ["before", "after"]
        (pnl, *_more) = await asyncio.to_thread(sink.wait, "Pnl")
        assert f"{ACCOUNT}.Core" in pnl.data["args"]
        assert (await asyncio.to_thread(socket.tic))["alive"] is True
    finally:
        await asyncio.to_thread(socket.shutdown)


def _socket(judge: Judge, sink: Sink) -> Any:
    """ibind's client of the WebSocket, with the topics that the service has."""
    module = importlib.import_module("ibind.ibkr_ws.ibkr_ws_client")
    kinds = importlib.import_module("ibind.ibkr_ws.ibkr_subscriptions")
    socket = module.IbkrWsClient(
        account_id=ACCOUNT,
        url=f"{judge.url.replace('http', 'ws', 1)}/ws",
        ibkr_client=judge.rest,
        use_oauth=False,
        sink=sink,
        synchronous_output_events=True,
    )
    assert socket.start()
    wanted = [
        kinds.MarketDataSubscription(conid=str(AAPL), fields=["31", "84", "86"]),
        kinds.OrdersSubscription(),
        kinds.TradesSubscription(),
        kinds.PnlSubscription(),
    ]
    assert socket.wait_all([socket.subscribe(one) for one in wanted], PATIENCE) == []
    return socket


def yes_to_all(judge: Judge) -> dict[Any, bool]:
    return dict.fromkeys(judge.ibind.QuestionType, True)
