"""Quotes, positions, summaries and contracts through the Web API."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ibkr_bridge.domain.contract import ContractQuery
from ibkr_bridge.domain.quote import DataType
from ibkr_bridge.domain.terms import OrderType, Side
from ibkr_bridge.ports.upstream import (
    PnlChanged,
    PositionChanged,
    PositionsComplete,
    QuoteChanged,
    QuoteFailed,
)
from ibkr_bridge.upstream.webapi import translate
from ibkr_sim.webapi.settings import Entitlement, Unsettled

Rig = Any
Opening = Callable[..., Any]
AAPL = 265598


async def quote_of(rig: Rig, **query: Any) -> Any:
    [contract] = await rig.upstream.contracts(ContractQuery(**{"symbol": "AAPL", **query}))
    await rig.upstream.open_quote(contract)
    return contract


async def test_a_quote_has_the_prices_of_the_market_and_moves_with_it(rig: Rig) -> None:
    await quote_of(rig)
    first = (await rig.event(QuoteChanged)).quote
    assert first.data_type is DataType.LIVE
    assert None not in (first.bid, first.ask, first.bid_size, first.ask_size, first.last, first.close, first.volume)
    assert first.bid < first.ask
    later = await rig.event(QuoteChanged, lambda event: event.quote.bid != first.bid)
    assert later.quote.close == first.close


async def test_delayed_data_says_so(rigs: Opening) -> None:
    rig = await (await rigs(door_entitlement=Entitlement.DELAYED)).ready()
    await quote_of(rig)
    assert (await rig.event(QuoteChanged)).quote.data_type is DataType.DELAYED


async def test_where_the_stream_is_silent_prices_come_by_snapshot(rig: Rig) -> None:
    rig.moments.muted.add("smd")
    contract = await quote_of(rig)
    assert (await rig.event(QuoteChanged)).quote.conid == contract.conid
    await rig.upstream.close_quote(contract.conid)
    assert rig.moments.count("POST /iserver/marketdata/unsubscribe") == 1
    assert not rig.door.house.sessions.gateway.progress.lines


async def test_a_closed_quote_frees_its_line(rig: Rig) -> None:
    contract = await quote_of(rig)
    await rig.event(QuoteChanged)
    progress = rig.door.house.sessions.gateway.progress
    assert progress.streamed == {contract.conid}
    await rig.upstream.close_quote(contract.conid)
    await rig.until(lambda: not progress.streamed)


async def test_topics_are_renewed_before_ibkr_ends_them(rigs: Opening) -> None:
    briefly = Unsettled(stream_life=timedelta(seconds=0.5))
    rig = await (await rigs(topic_renewal=0.2, door_unsettled=briefly)).ready()
    await quote_of(rig)
    await rig.event(QuoteChanged)
    for _life in range(3):
        told = len(rig.told(QuoteChanged))
        await rig.until(lambda told=told: len(rig.told(QuoteChanged)) > told + 4)


async def test_a_quote_outlives_the_session(rig: Rig) -> None:
    await quote_of(rig)
    await rig.event(QuoteChanged)
    rig.upstream.renew("to see whether it does")
    await rig.event(QuoteFailed)
    told = len(rig.told(QuoteChanged))
    await rig.until(lambda: len(rig.told(QuoteChanged)) > told + 2)


async def test_a_line_too_many_is_told_as_failed(rigs: Opening) -> None:
    rig = await (await rigs(door_market_data_lines=1)).ready()
    await quote_of(rig)
    other = await quote_of(rig, symbol="MSFT")
    failed = await rig.event(QuoteFailed)
    assert (failed.conid, failed.ibkr_code) == (other.conid, 500)


async def test_positions_follow_fills_and_end_flat(rig: Rig, make: Any) -> None:
    await rig.event(PositionsComplete)
    await rig.place(make.order())
    held = await rig.event(PositionChanged)
    assert (held.position.account, held.position.contract.conid, held.position.qty) == ("DU9912345", AAPL, 10)
    assert held.position.market_value > 0
    await rig.place(make.order(side=Side.SELL))
    await rig.event(PositionChanged, lambda event: event.position.qty == 0)


async def test_a_look_at_the_positions_claims_to_show_only_what_filled_before_it(rig: Rig) -> None:
    look = await rig.event(PositionsComplete)
    assert look.shows < datetime.now(UTC)


async def test_positions_are_read_page_by_page_where_the_newer_list_is_missing(rigs: Opening, make: Any) -> None:
    rig = await rigs(run=False)
    rig.moments.bad.append(make.bad("GET", "/portfolio2/", 404, {"error": "Not Found"}, times=99))
    await (rig.run() or rig.ready())
    await rig.place(make.order())
    assert (await rig.event(PositionChanged)).position.qty == 10


async def test_profit_and_loss_is_told_by_account(rig: Rig, make: Any) -> None:
    await rig.place(make.order())
    told = await rig.event(PnlChanged, lambda event: event.pnl.daily and event.pnl.realized is not None)
    assert (told.pnl.account, told.pnl.realized) == ("DU9912345", 0)


async def test_profit_and_loss_is_asked_for_where_the_stream_is_silent(rigs: Opening) -> None:
    rig = await rigs(run=False, pnl_silence=0.1)
    rig.moments.muted.add("spl")
    rig.run()
    await rig.ready()
    await rig.event(PnlChanged)


async def test_a_summary_has_the_names_and_figures_of_the_other_door(rig: Rig) -> None:
    told = await rig.upstream.account_summary("DU9912345")
    ledger = {row.key: row.value for row in rig.simulator.exchange.account_values("DU9912345") if row.currency == "USD"}
    for tag in ("NetLiquidation", "TotalCashValue", "BuyingPower", "AvailableFunds", "GrossPositionValue"):
        assert Decimal(told.figures[tag].value) == Decimal(ledger[tag])
        assert told.figures[tag].currency == "USD"
    assert told.figures["AccountType"].value == "INDIVIDUAL"
    assert "SettledCash" in told.figures


async def test_a_symbol_and_a_conid_name_the_same_contract(rig: Rig) -> None:
    [by_symbol] = await rig.upstream.contracts(ContractQuery(symbol="aapl"))
    [by_conid] = await rig.upstream.contracts(ContractQuery(conid=AAPL))
    assert by_symbol == by_conid
    assert (by_symbol.exchange, by_symbol.primary_exchange, by_symbol.currency) == ("SMART", "NASDAQ", "USD")
    assert (by_symbol.local_symbol, by_symbol.min_tick) == ("AAPL", Decimal("0.01"))


async def test_everything_that_fits_is_told(rig: Rig) -> None:
    found = await rig.upstream.contracts(ContractQuery(symbol="AAPL", currency="", exchange=""))
    assert sorted(contract.currency for contract in found) == ["MXN", "USD"]
    assert len(await rig.upstream.contracts(ContractQuery(symbol="AAPL", currency="MXN"))) == 1
    assert await rig.upstream.contracts(ContractQuery(symbol="AAPL", primary_exchange="NYSE")) == []


@pytest.mark.parametrize("query", [ContractQuery(symbol="NOSUCH"), ContractQuery(conid=1)])
async def test_what_ibkr_does_not_know_is_an_empty_answer(rig: Rig, query: ContractQuery) -> None:
    assert list(await rig.upstream.contracts(query)) == []


async def test_a_pair_of_currencies_is_found_by_its_two_sides(rig: Rig) -> None:
    [pair] = await rig.upstream.contracts(ContractQuery(symbol="EUR", sec_type="CASH", exchange="IDEALPRO"))
    assert (pair.symbol, pair.currency, pair.local_symbol, pair.exchange) == ("EUR", "USD", "EUR.USD", "IDEALPRO")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("C193.18", "193.18"),
        ("H10", "10"),
        ("1,300", "1300"),
        ("24.2M", "24200000"),
        ("-0.5", "-0.5"),
        ("0.54%", "0.54"),
        ("1,977.60 USD (10 Shares)", "1977.60"),
        (".5", "0.5"),
        (Decimal("12.0"), "12"),
        (7, "7"),
    ],
)
def test_a_number_is_read_from_whatever_ibkr_writes_around_it(text: object, number: str) -> None:
    assert translate.decimal(text) == Decimal(number)


@pytest.mark.parametrize("text", ["", None, "N/A", True, "-"])
def test_what_is_no_number_is_missing(text: object) -> None:
    assert translate.decimal(text) is None


def test_an_order_for_the_day_reads_close_and_a_market_order_has_no_price() -> None:
    row = {"orderType": "Market", "side": "BUY", "timeInForce": "CLOSE", "totalSize": 1.0, "price": ""}
    told = translate.terms(row)
    assert told is not None
    assert (told.type, told.tif.value, told.limit) == (OrderType.MARKET, "DAY", None)
    assert translate.terms({**row, "orderType": "Stop Limit", "price": "1"}) is None
