"""ibind judges the world behind the Web API's door: chains, futures, orders for them, combinations."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.foreign.ibind_judge import Judge

ACCOUNT, AAPL, MSFT = "DU9912345", 265598, 272093


async def test_a_chain_is_walked_as_ibkr_wants_it(judge: Judge) -> None:
    found = await judge.ask("search_contract_by_symbol", "AAPL")
    sections = {section["secType"]: section for section in found[0]["sections"]}
    month = sections["OPT"]["months"].split(";")[1]
    strikes = await judge.ask("search_strikes_by_conid", str(AAPL), "OPT", month)
    assert 270.0 in strikes["call"]
    rows = await judge.ask("search_secdef_info_by_conid", str(AAPL), "OPT", month, strike="270", right="C")
    assert {row["tradingClass"] for row in rows} == {"AAPL"}
    for row in rows:
        known = judge.market.contract(row["conid"])
        assert known is not None
        assert (f"{known.expiry:%Y%m%d}", float(known.strike or 0)) == (row["maturityDate"], row["strike"])


async def test_futures_are_found_by_symbol(judge: Judge) -> None:
    rows = (await judge.ask("security_future_by_symbol", "ES"))["ES"]
    assert [row["expirationDate"] for row in rows] == sorted(row["expirationDate"] for row in rows)
    assert all(judge.market.contract(row["conid"]) is not None for row in rows)


async def test_an_option_and_a_combination_are_bought(judge: Judge) -> None:
    await judge.ask("receive_brokerage_accounts")
    await judge.ask("search_contract_by_symbol", "AAPL")
    (row,) = (await judge.ask("search_secdef_info_by_conid", str(AAPL), "OPT", "APR26", strike="270", right="P"))[-1:]
    placed = await judge.place(conid=row["conid"], quantity=2)
    assert placed["order_status"] == "Filled"
    conidex = f"28812380;;;{AAPL}/1,{MSFT}/-1"
    combined = await judge.place(conid=None, conidex=conidex, quantity=3)
    assert combined["order_status"] == "Filled"
    held = {position.conid: position.quantity for position in judge.market.positions(ACCOUNT)}
    assert held == {row["conid"]: 2, AAPL: 3, MSFT: -3}
    orders = (await judge.twice("live_orders"))["orders"]
    assert {order["conidex"] for order in orders} == {str(row["conid"]), conidex}


async def test_a_trailing_stop_rests_where_the_exchange_says(judge: Judge) -> None:
    await judge.ask("receive_brokerage_accounts")
    placed = await judge.place(side="SELL", order_type="TRAIL", trailing_amt=1.5, trailing_type="amt", quantity=5)
    assert placed["order_status"] == "PreSubmitted"
    (told,) = (await judge.twice("live_orders"))["orders"]
    order = judge.market.order(int(placed["order_id"]))
    assert order is not None
    assert (told["origOrderType"], told["price"]) == ("TRAILING_STOP", f"{order.stop:.2f}")
