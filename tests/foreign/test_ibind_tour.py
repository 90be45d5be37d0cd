"""ibind judges the Web API's door, unmodified: through a gateway and signed with OAuth, REST and WebSocket."""

from __future__ import annotations

import asyncio
import importlib
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from ibkr_sim.webapi.oauth.registration import Registration
from tests.foreign.ibind_judge import (
    AAPL,
    ACCOUNT,
    GATEWAY,
    OAUTH,
    PATIENCE,
    SECOND,
    SPY,
    WAYS,
    Judge,
    Sink,
    keys,
    keys_of,
)

STATUS = keys("MAC authenticated competing connected fail hardware_info message serverInfo established")
ACCOUNT_ROW = keys(
    "PrepaidCrypto-P PrepaidCrypto-Z accountAlias accountId accountStatus accountTitle accountVan brokerageAccess "
    "businessType clearingStatus covestor currency desc displayName faclient ibEntity id noClientTrading parent "
    "trackVirtualFXPortfolio tradingType type acctCustType category"
)
LEDGER_ROW = keys(
    "acctcode cashbalance cashbalancefxsegment commoditymarketvalue corporatebondsmarketvalue cryptocurrencyvalue "
    "currency dividends exchangerate funds futuremarketvalue futureoptionmarketvalue futuresonlypnl interest "
    "issueroptionsmarketvalue key moneyfunds netliquidationvalue realizedpnl secondkey sessionid settledcash severity "
    "stockmarketvalue stockoptionmarketvalue tbillsmarketvalue tbondsmarketvalue timestamp unrealizedpnl "
    "warrantsmarketvalue"
)
POSITION_ROW = keys(
    "acctId allExchanges assetClass avgCost avgPrice chineseName conExchMap conid contractDesc countryCode currency "
    "displayRule exchs exerciseStyle expiry fullName group hasOptions incrementRules isEventContract isUS "
    "lastTradingDay listingExchange mktPrice mktValue model multiplier name pageSize position putOrCall realizedPnl "
    "sector sectorGroup strike ticker time type undConid unrealizedPnl"
)
HISTORY = keys(
    "barLength data high low mdAvailability messageVersion mktDataDelay negativeCapable outsideRth points "
    "priceDisplayRule priceDisplayValue priceFactor serverId startTime symbol text timePeriod travelTime volumeFactor"
)
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
INFORMATION = keys(
    "allow_sell_long category cfi_code company_name con_id currency cusip exchange expiry_full has_related_contracts "
    "industry instrument_type is_zero_commission_security local_symbol maturity_date r_t_h smart_available symbol "
    "trading_class underlying_con_id valid_exchanges"
)
REGULATORY = keys(
    "conid conidEx sizeMinTick BboExchange HasDelayed BestBidExch BestAskExch LastExch 84 86 88 85 31 7059 7057 7068 "
    "7058"
)
RULES = keys(
    "algoEligible allOrNoneEligible cashCcy cashSize defaultSize increment incrementDigits limitPrice orderTypes "
    "preview sizeIncrement stopprice tifTypes"
)


async def test_sessions(judge: Judge) -> None:
    assert keys_of(await judge.ask("authentication_status")) == STATUS
    tickle = await judge.ask("tickle")
    gateway_alone = {"ssoExpires", "collission", "userId"}
    assert set(tickle) == {"session", "hmds", "iserver"} | (gateway_alone if judge.way == GATEWAY else set())
    assert await judge.ask("check_health") is True
    assert await judge.ask("check_auth_status") is True
    assert await judge.ask("handle_auth_status") is True
    if judge.way == GATEWAY:
        assert (await judge.ask("validate"))["RESULT"] is True
    assert (await judge.ask("initialize_brokerage_session"))["authenticated"] is True
    assert await judge.ask("reauthenticate") == {"message": "triggered"}
    assert await judge.ask("logout") == {"status": True}
    with pytest.raises(judge.error(), match="401"):
        await judge.ask("portfolio_accounts")


async def test_accounts(judge: Judge) -> None:
    told = await judge.ask("receive_brokerage_accounts")
    assert (told["accounts"], told["selectedAccount"]) == ([ACCOUNT, SECOND, "All"], ACCOUNT)
    await judge.place()
    summary = await judge.ask("account_summary")
    assert summary["netLiquidationValue"] == judge.value("NetLiquidation")
    assert summary["availableFunds"] == judge.value("AvailableFunds")
    upnl = (await judge.twice("account_profit_and_loss"))["upnl"]
    assert upnl[f"{ACCOUNT}.Core"]["dpl"] == float(judge.market.pnl(ACCOUNT).daily)
    assert (await judge.ask("signatures_and_owners"))["accountId"] == ACCOUNT
    error = judge.error()
    with pytest.raises(error, match="503"):
        await judge.ask("search_dynamic_account", "DU")
    with pytest.raises(error, match="401"):
        await judge.ask("set_dynamic_account", ACCOUNT)
    assert await judge.ask("switch_account", SECOND) == {"set": True, "acctId": SECOND}


async def test_contracts(judge: Judge) -> None:
    assert await judge.ask("stock_conid_by_symbol", ["AAPL", "SPY"]) == {"AAPL": AAPL, "SPY": SPY}
    (company,) = (await judge.ask("security_stocks_by_symbol", "AAPL", default_filtering=False))["AAPL"]
    assert keys_of(company) == keys("name chineseName assetClass contracts")
    (row, _mexico) = await judge.ask("search_contract_by_symbol", "AAPL")
    assert keys_of(row) == keys("conid companyHeader companyName symbol description restricted sections")
    (details,) = await judge.ask("search_secdef_info_by_conid", str(AAPL), "STK", "")
    assert details["conid"] == AAPL
    assert await judge.ask("search_strikes_by_conid", str(AAPL), "OPT", "JAN27") == {"call": [], "put": []}
    assert keys_of(await judge.ask("contract_information_by_conid", str(AAPL))) >= INFORMATION
    both = await judge.ask("info_and_rules_by_conid", str(AAPL), True)
    assert keys_of(both) >= INFORMATION
    assert keys_of(both["rules"]) >= RULES
    assert await judge.ask("search_contract_rules", str(AAPL)) == both["rules"]
    assert await judge.ask("algo_params_by_conid", str(AAPL)) == {"algos": []}
    assert await judge.ask("search_bond_filter_information", "BOND", "e1") == {"bondFilters": []}
    assert (await judge.ask("security_definition_by_conid", str(AAPL)))["secdef"][0]["ticker"] == "AAPL"
    assert {row["ticker"] for row in await judge.ask("all_conids_by_exchange", "EBS")} >= {"NESN", "UBSG", "ROG"}
    assert await judge.ask("security_future_by_symbol", "NONE") == {"NONE": []}
    pairs = (await judge.ask("currency_pairs", "CHF"))["CHF"]
    assert {row["symbol"] for row in pairs} >= {"USD.CHF", "EUR.CHF"}
    quote = judge.market.quote(12087820)
    assert quote.bid is not None
    assert quote.ask is not None
    rate = (await judge.ask("currency_exchange_rate", "USD", "CHF"))["rate"]
    assert rate == pytest.approx(float((quote.bid + quote.ask) / 2))
    (venue, _mexico) = await judge.ask("trading_schedule_by_symbol", "STK", "AAPL")
    assert venue["timezone"] == "US/Eastern"


async def test_market_data(judge: Judge) -> None:
    told = await judge.ask("live_marketdata_snapshot_by_symbol", ["AAPL", "SPY"], ["31", "84", "86", "87", "83"])
    quote = judge.market.quote(AAPL)
    assert (told["AAPL"]["bid_price"], told["AAPL"]["ask_price"]) == (f"{quote.bid:.2f}", f"{quote.ask:.2f}")
    (row,) = await judge.ask("live_marketdata_snapshot", str(AAPL), ["31", "84"])
    assert row["31"] == f"{quote.last:.2f}"
    await judge.ask("marketdata_unsubscribe", [str(AAPL)])
    assert await judge.ask("marketdata_unsubscribe_all") == {"unsubscribed": True}


async def test_regulatory_snapshots(judge: Judge) -> None:
    """A signed user of a paper account is refused; another one pays."""
    if judge.way == OAUTH:
        with pytest.raises(judge.error(), match="400"):
            await judge.ask("regulatory_snapshot", str(AAPL))
        return
    cash, quote = judge.value("CashBalance"), judge.market.quote(AAPL)
    told = await judge.ask("regulatory_snapshot", str(AAPL))
    assert keys_of(told) == REGULATORY
    assert (told["84"], told["86"], told["85"]) == (f"{quote.bid:.2f}", f"{quote.ask:.2f}", int(quote.ask_size or 0))
    assert judge.value("CashBalance") == pytest.approx(cash - 0.01)


async def test_history(judge: Judge) -> None:
    told = await judge.ask("marketdata_history_by_symbol", "AAPL", "1d", period="1w")
    assert keys_of(told) >= HISTORY
    assert keys_of(told["data"][0]) == keys("o c h l v t")
    assert (len(told["data"]), told["points"], told["barLength"]) == (5, 4, 86400)
    start = datetime(2026, 2, 25, 17, 0, tzinfo=UTC)
    earlier = await judge.ask("marketdata_history_by_conid", str(AAPL), "1h", period="1d", start_time=start)
    assert earlier["data"][-1]["t"] < start.timestamp() * 1000
    both = await judge.ask("marketdata_history_by_conids", {"a": str(AAPL), "s": str(SPY)}, period="1d", bar="1h")
    assert both.keys() == {"a", "s"}
    several = await judge.ask("marketdata_history_by_symbols", ["AAPL", "SPY", "IBM"], period="1d", bar="1h")
    assert all(len(bars) > 1 for bars in several.values())


async def test_orders(judge: Judge) -> None:
    await judge.ask("receive_brokerage_accounts")
    placed = await judge.place(coid="tour-1")
    assert (placed["order_status"], placed["local_order_id"]) == ("Filled", "tour-1")
    limit = {"order_type": "LMT", "price": judge.price("0.99"), "coid": "tour-2", "tif": "GTC"}
    resting = await judge.place(**limit)
    assert resting["order_status"] == "Submitted"
    live = await judge.twice("live_orders")
    assert live["snapshot"] is True
    rows = {row["orderId"]: row for row in live["orders"]}
    assert keys_of(rows[int(resting["order_id"])]) >= LIVE_ORDER
    order = judge.market.order(int(placed["order_id"]))
    assert order is not None
    assert rows[order.perm_id]["avgPrice"] == f"{order.average_price:.2f}"
    status = await judge.ask("order_status", resting["order_id"])
    assert keys_of(status) >= ORDER_STATUS
    assert status["limit_price"] == f"{limit['price']:.2f}"
    (trade,) = await judge.twice("trades")
    ((execution, charge),) = judge.market.executions()
    assert (trade["execution_id"], trade["commission"]) == (execution.exec_id, str(float(charge.amount)))
    answers = dict.fromkeys(importlib.import_module("ibind.client.ibkr_utils").QuestionType, True)
    changed = judge.order(**(limit | {"price": judge.price("0.98")}))
    await judge.ask("modify_order", resting["order_id"], changed, answers)
    (working,) = judge.market.open_orders()
    assert float(working.request.limit_price or 0) == judge.price("0.98")
    cancelled = await judge.ask("cancel_order", resting["order_id"])
    assert keys_of(cancelled) == keys("msg order_id conid account")
    assert judge.market.open_orders() == []
    with pytest.raises(judge.error(), match="already registered"):
        await judge.place(**limit)


async def test_questions_and_previews(judge: Judge) -> None:
    await judge.ask("receive_brokerage_accounts")
    preview = await judge.ask("whatif_order", judge.order())
    assert keys_of(preview) >= keys("amount equity initial maintenance position warn error")
    assert preview["equity"]["current"] == f"{judge.market.net_liquidation(ACCOUNT):,.0f}"
    ids = ["o354", "o10151", "o10153"]
    assert await judge.ask("suppress_messages", ids) == {"status": "submitted"}
    assert (await judge.ask("place_order", judge.order(), {}))["order_status"] == "Filled"
    assert await judge.ask("reset_suppressed_messages") == {"status": "submitted"}
    with pytest.raises(ValueError, match="No answer found"):
        await judge.ask("place_order", judge.order(), {})
    with pytest.raises(judge.error(), match="reply id not found"):
        await judge.ask("reply", "0-0", True)


async def test_portfolio(judge: Judge) -> None:
    await judge.ask("receive_brokerage_accounts")
    await judge.place()
    rows = await judge.ask("portfolio_accounts")
    assert keys_of(rows[0]) == ACCOUNT_ROW
    assert await judge.ask("portfolio_subaccounts") == rows
    assert await judge.ask("large_portfolio_subaccounts") == rows
    assert await judge.ask("portfolio_account_information") == rows[0]
    summary = await judge.ask("portfolio_summary")
    assert summary["totalcashvalue"]["amount"] == judge.value("TotalCashValue")
    ledger = await judge.ask("get_ledger")
    assert keys_of(ledger["BASE"]) == LEDGER_ROW
    assert keys_of(ledger["USD"]) == LEDGER_ROW | {"endofbundle"}
    assert ledger["USD"]["cashbalance"] == judge.value("CashBalance")
    held = judge.market.position(ACCOUNT, AAPL)
    assert held is not None
    (row,) = await judge.twice("positions")
    assert keys_of(row) >= POSITION_ROW
    assert (row["position"], row["avgCost"]) == (float(held.quantity), float(held.average_cost))
    (second,) = await judge.ask("positions2")
    assert second["marketValue"] == float(held.market_value)
    (single,) = await judge.twice("positions_by_conid", ACCOUNT, str(AAPL))
    assert single["conid"] == AAPL
    assert set(await judge.ask("position_and_contract_info", str(AAPL))) == {ACCOUNT, f"{ACCOUNT}C"}
    assert await judge.ask("combination_positions") == []
    assert await judge.ask("invalidate_backend_portfolio_cache") == {"message": "success"}
    allocation = await judge.ask("portfolio_account_allocation")
    assert allocation["assetClass"]["long"]["STK"] == float(held.market_value)
    assert await judge.ask("portfolio_account_allocations", [ACCOUNT]) == allocation


@pytest.mark.parametrize("way", WAYS)
async def test_the_websocket(
    open_judge: Callable[[str], Awaitable[Judge]], way: str, registration: Registration, caplog: Any
) -> None:
    caplog.set_level(logging.ERROR)
    judge = await open_judge(way)
    await judge.ask("receive_brokerage_accounts")
    await judge.place(coid="before")
    sink = Sink()
    socket = await asyncio.to_thread(_socket, judge, registration, sink)
    try:
        await asyncio.to_thread(_subscribe_all, socket)
        (quotes,) = (await asyncio.to_thread(sink.wait, "MarketData"))[:1]
        assert quotes.data["bid_price"] == f"{judge.market.quote(AAPL).bid:.2f}"
        (ledger, *_more) = await asyncio.to_thread(sink.wait, "AccountLedger")
        assert ledger.data["cashbalance"] == judge.value("CashBalance")
        (summary, *_more) = await asyncio.to_thread(sink.wait, "AccountSummary")
        assert summary.data["NetLiquidation"]["monetaryValue"] == judge.value("NetLiquidation")
        await judge.place(coid="after", quantity=5)
        orders = await asyncio.to_thread(sink.wait, "Orders", 5)
        assert [event.data["args"][0].get("status") for event in orders][-1] == "Filled"
        trades = await asyncio.to_thread(sink.wait, "Trades", 5)
        assert [row["order_ref"] for event in trades for row in event.data["args"]] == ["before"] * 2 + ["after"] * 2
        (pnl, *_more) = await asyncio.to_thread(sink.wait, "Pnl", 2)
        assert f"{ACCOUNT}.Core" in pnl.data["args"]
        (history, *_more) = await asyncio.to_thread(sink.wait, "MarketHistory")
        assert history.data["symbol"] == "AAPL"
        assert (await asyncio.to_thread(socket.tic))["alive"] is True
    finally:
        await asyncio.to_thread(socket.shutdown)


def _socket(judge: Judge, registration: Registration, sink: Sink) -> Any:
    module = importlib.import_module("ibind.ibkr_ws.ibkr_ws_client")
    socket = module.IbkrWsClient(
        account_id=ACCOUNT,
        url=f"{judge.url.replace('http', 'ws', 1)}/ws",
        ibkr_client=judge.rest,
        use_oauth=judge.way == OAUTH,
        access_token=registration.access_token,
        sink=sink,
        synchronous_output_events=True,
    )
    assert socket.start()
    return socket


def _subscribe_all(socket: Any) -> None:
    kinds = importlib.import_module("ibind.ibkr_ws.ibkr_subscriptions")
    wanted = [
        kinds.MarketDataSubscription(conid=str(AAPL), fields=["31", "84", "86"]),
        kinds.MarketHistorySubscription(conid=str(AAPL), period="1d", bar="1h"),
        kinds.OrdersSubscription(),
        kinds.TradesSubscription(),
        kinds.PnlSubscription(),
        kinds.AccountSummarySubscription(account_id=ACCOUNT),
        kinds.AccountLedgerSubscription(account_id=ACCOUNT),
    ]
    assert socket.wait_all([socket.subscribe(one) for one in wanted], PATIENCE) == []
