"""Faults of executions and lists: what is told of a fill, and what the ledger holds."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from ib_async import ExecutionFilter, MarketOrder

if TYPE_CHECKING:
    from sim.tests.faults.conftest import House, Message, Peer

    Story = Callable[[list[Message]], list[str]]


async def executions(client: Peer) -> list[Message]:
    client.say.reqExecutions(5, ExecutionFilter())
    return await client.settle()


async def test_an_execution_told_twice_happened_once(house: House, story: Story) -> None:
    house.fault("duplicate_execution")
    client = await house.client()
    heard = await client.place(1)
    fills = [message for message in heard if message[0] == "11"]
    assert len(fills) == 2
    assert fills[0] == fills[1]
    assert house.position() == 10
    assert story(await executions(client)) == ["fill", "commission", "end"]


async def test_a_late_execution_comes_after_the_status(house: House, story: Story) -> None:
    house.fault("late_execution", seconds=5)
    client = await house.client()
    told = story(await client.place(1))
    assert "status Filled" in told
    assert not {"fill", "commission"} & set(told)
    assert story(await executions(client)) == ["end"]
    assert house.position() == 10
    house.advance(5)
    assert story(await client.until("59")) == ["fill", "commission"]
    assert story(await executions(client)) == ["fill", "commission", "end"]


async def test_a_commission_can_come_before_its_execution(house: House, story: Story) -> None:
    house.fault("commission_first")
    client = await house.client()
    heard = await client.place(1)
    assert story(heard)[-2:] == ["commission", "fill"]
    assert heard[-2][2] == heard[-1][14]


async def test_a_corrected_execution_is_another_price_and_the_ledger_follows(house: House, story: Story) -> None:
    client = await house.client()
    house.fault("corrected_execution", price_by="-0.25")
    before = house.simulator.exchange.account_values("DU9912345")
    client.order(1)
    first = next(message for message in await client.until("59") if message[0] == "11")
    again = await client.until("59")
    second = next(message for message in again if message[0] == "11")
    assert (first[14][-3:], second[14][-3:]) == (".01", ".02")
    assert first[14][:-3] == second[14][:-3]
    assert Decimal(second[20]) == Decimal(first[20]) - Decimal("0.25")
    ((execution, commission),) = house.simulator.exchange.executions()
    assert (execution.exec_id, commission.exec_id) == (second[14], second[14])
    (order,) = house.orders()
    assert order.average_price == execution.price
    after = house.simulator.exchange.account_values("DU9912345")
    spent = _cash(before) - _cash(after)
    assert spent == execution.price * 10 + commission.amount
    held = house.simulator.exchange.position("DU9912345", 265598)
    assert held is not None
    assert held.average_cost * 10 == spent


def _cash(rows: object) -> Decimal:
    assert isinstance(rows, list | tuple)
    return next(Decimal(row.value) for row in rows if (row.key, row.currency) == ("CashBalance", "USD"))


async def test_a_corrected_size_changes_the_position(house: House) -> None:
    client = await house.client()
    house.fault("corrected_execution", shares_by=-1)
    client.order(1)
    await client.until("59")
    corrected = next(message for message in await client.until("59") if message[0] == "11")
    assert Decimal(corrected[19]) == 9
    assert house.position() == 9
    assert [order.filled for order in house.orders()] == [9]


async def test_a_busted_execution_leaves_neither_shares_nor_costs(house: House) -> None:
    client = await house.client()
    house.fault("busted_execution")
    before = _cash(house.simulator.exchange.account_values("DU9912345"))
    client.order(1)
    first = next(message for message in await client.until("59") if message[0] == "11")
    busted = next(message for message in await client.until("59") if message[0] == "11")
    assert (busted[14][:-3], busted[14][-3:]) == (first[14][:-3], ".02")
    assert Decimal(busted[19]) == 0
    assert not house.position()
    assert [order.filled for order in house.orders()] == [0]
    assert _cash(house.simulator.exchange.account_values("DU9912345")) == before


async def test_a_correction_of_a_closing_trade_changes_the_profit(house: House) -> None:
    client = await house.client()
    await client.place(1)
    await client.place(2, MarketOrder("SELL", 10))
    before = house.simulator.exchange.pnl("DU9912345").realized
    ((_opened, _), (closed, _charge)) = house.simulator.exchange.executions()
    house.simulator.exchange.backstage.correct(closed.exec_id, price=closed.price + 1, shares=closed.shares)
    assert house.simulator.exchange.pnl("DU9912345").realized == before + 10
    assert house.position() == 0


async def test_a_correction_takes_nothing_from_anybody_but_the_street(house: House) -> None:
    client = await house.client()
    await client.place(1)

    def money() -> Decimal:
        return sum(
            (held.cash.get("USD", Decimal(0)) for held in house.simulator.exchange.ledger.everyone()), Decimal(0)
        )

    before = money()
    ((execution, _charge),) = house.simulator.exchange.executions()
    house.simulator.exchange.backstage.correct(execution.exec_id, price=execution.price + 2, shares=Decimal(4))
    assert money() == before
    shares = [held.holdings[265598].quantity for held in house.simulator.exchange.ledger.everyone() if held.holdings]
    assert sum(shares) == 0


async def test_a_list_can_lack_an_order_and_still_end(house: House, story: Story) -> None:
    client = await house.client()
    for number in (1, 2, 3):
        await client.place(number, house.limit())
    house.fault("snapshot_cut", of="open_orders", missing=2)
    client.say.reqOpenOrders()
    assert story(await client.settle()) == ["open Submitted", "status Submitted", "end"]
    client.say.reqOpenOrders()
    assert len(await client.settle()) == 7
    assert len(house.orders()) == 3


async def test_the_end_of_a_list_may_never_come(house: House, story: Story) -> None:
    client = await house.client()
    await client.place(1)
    for kind in ("executions", "completed_orders"):
        house.fault("snapshot_cut", of=kind, missing=0, ended=False)
    assert story(await executions(client)) == ["fill", "commission"]
    client.say.reqCompletedOrders(True)
    assert story(await client.settle()) == ["101"]
    client.say.reqCompletedOrders(True)
    assert story(await client.settle()) == ["101", "end"]


async def test_executions_reach_back_to_a_midnight_that_comes_now(house: House, story: Story) -> None:
    client = await house.client()
    await client.place(1)
    house.fault("executions_since_midnight")
    assert story(await executions(client)) == ["end"]
    house.advance(1)
    await client.place(2)
    assert story(await executions(client)) == ["fill", "commission", "end"]
    assert house.position() == 20
    assert len(house.simulator.exchange.executions()) == 2
    house.clear()
    assert story(await executions(client)) == ["fill", "commission"] * 2 + ["end"]


async def test_what_no_execution_can_become_is_refused(house: House) -> None:
    client = await house.client()
    await client.place(1)
    backstage = house.simulator.exchange.backstage
    ((execution, _charge),) = house.simulator.exchange.executions()
    for price, shares in ((execution.price, Decimal(11)), (Decimal(0), Decimal(10)), (execution.price, Decimal(0))):
        with pytest.raises(ValueError, match="cannot become"):
            backstage.correct(execution.exec_id, price=price, shares=shares)
    assert backstage.correct("unknown.01", price=execution.price, shares=Decimal(1)) is None
    assert house.position() == 10
