"""ib_async judges brackets, groups, trailing stops, conditions and combinations against the exchange's books."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from ib_async import (
    IB,
    Bag,
    ComboLeg,
    Contract,
    ExecutionCondition,
    LimitOrder,
    MarketOrder,
    Order,
    PercentChangeCondition,
    PriceCondition,
    Stock,
    StopOrder,
    TimeCondition,
    Trade,
    VolumeCondition,
)

from ibkr_sim.exchange.model import Order as Booked

if TYPE_CHECKING:
    from tests.foreign.conftest import Judged

VERSIONS = (157, 176, 178)
PATIENCE = 30.0
CENT = Decimal("0.01")


class Judge:
    """A client with AAPL in its hands, the books it is held against, and every code it was told."""

    def __init__(self, ib: IB, judged: Judged, stock: Contract) -> None:
        self.ib, self.judged, self.stock = ib, judged, stock
        self.exchange = judged.simulator.exchange
        self.codes: list[tuple[int, int]] = []
        ib.errorEvent += lambda request_id, code, *_rest: self.codes.append((request_id, code))

    def place(self, order: Order, contract: Contract | None = None) -> Trade:
        order.account, order.tif = self.judged.account, order.tif or "DAY"
        return self.ib.placeOrder(contract or self.stock, order)

    def book(self, trade: Trade) -> Booked:
        found = self.exchange.order(trade.order.permId)
        assert found is not None
        return found

    def price(self, factor: str = "1") -> float:
        return round(self.judged.ask() * float(factor), 2)

    def last(self) -> Decimal:
        price = self.exchange.quote(self.judged.conid).last
        assert price is not None
        return price

    def pass_time(self, **duration: float) -> None:
        self.judged.simulator.clock.advance(timedelta(**duration))
        self.exchange.advance()

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not condition():  # noqa: ASYNC110 - the client's state changes while its messages are read
                await asyncio.sleep(0.002)

    async def reach(self, *trades: Trade, status: str) -> None:
        await self.until(lambda: all(trade.orderStatus.status == status for trade in trades))

    async def live_until(self, condition: Callable[[], object], most: int = 4_000) -> None:
        """Let the simulated time pass step by step until something is so."""
        for _ in range(most):
            if condition():
                return
            self.pass_time(seconds=0.25)
            await asyncio.sleep(0)
        raise AssertionError("it did not come to pass")

    def agrees(self, trade: Trade) -> None:
        """What the client knows of an order that has filled is what the books say."""
        booked = self.book(trade)
        assert Decimal(str(trade.orderStatus.filled)) == booked.filled
        assert trade.orderStatus.avgFillPrice == pytest.approx(float(booked.average_price))


@asynccontextmanager
async def judging(judged: Judged, version: int = 178, client_id: int = 1) -> AsyncIterator[Judge]:
    ib = IB()
    ib.client.MaxClientVersion = version
    await ib.connectAsync("127.0.0.1", judged.port, client_id, timeout=PATIENCE, account=judged.account)
    try:
        stock = Stock("AAPL", "SMART", "USD")
        await ib.qualifyContractsAsync(stock)
        yield Judge(ib, judged, stock)
    finally:
        ib.disconnect()


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_bracket_goes_whole_and_its_exits_end_each_other(judged: Judged, version: int) -> None:
    async with judging(judged, version) as judge:
        orders = judge.ib.bracketOrder("BUY", 100, judge.price("1.01"), judge.price("1.02"), judge.price("0.98"))
        entry, target, stop = (judge.place(order) for order in orders)
        await judge.reach(entry, status="Filled")
        await judge.reach(target, status="Submitted")
        await judge.until(lambda: stop.orderStatus.whyHeld == "trigger")
        assert (target.order.parentId, stop.orderStatus.status) == (entry.order.orderId, "PreSubmitted")
        assert {judge.book(trade).request.oca_group for trade in (target, stop)} == {str(entry.order.permId)}
        judge.ib.cancelOrder(target.order)
        await judge.reach(target, status="Cancelled")
        await judge.until(lambda: judge.codes)
        assert judge.codes == [(target.order.orderId, 202)]
        judge.place(MarketOrder("SELL", 100))
        await judge.until(lambda: not judge.judged.holding[0])
        judge.agrees(entry)


async def test_an_exit_that_fills_cancels_the_other_and_closes_the_position(judged: Judged) -> None:
    async with judging(judged) as judge:
        orders = judge.ib.bracketOrder("BUY", 100, judge.price("1.01"), float(judge.last() + 6 * CENT), 1.0)
        entry, target, stop = (judge.place(order) for order in orders)
        await judge.reach(entry, status="Filled")
        await judge.live_until(lambda: judge.book(target).status == "Filled")
        await judge.reach(target, status="Filled")
        await judge.reach(stop, status="Cancelled")
        assert judge.judged.holding[0] == 0
        judge.agrees(target)


async def test_a_bracket_is_held_in_silence_until_its_last_child_and_dies_with_its_parent(judged: Judged) -> None:
    async with judging(judged) as judge:
        orders = judge.ib.bracketOrder("BUY", 10, judge.price("0.5"), judge.price("1.1"), judge.price("0.4"))
        entry, target = (judge.place(order) for order in orders[:2])
        await judge.ib.reqCurrentTimeAsync()
        assert not judge.exchange.open_orders()
        stop = judge.place(orders[2])
        await judge.reach(entry, status="Submitted")
        await judge.reach(target, stop, status="PreSubmitted")
        assert target.orderStatus.whyHeld == "child"
        assert stop.orderStatus.parentId == entry.order.orderId
        judge.ib.cancelOrder(entry.order)
        await judge.reach(entry, target, stop, status="Cancelled")
        await judge.until(lambda: len(judge.codes) == len(orders))
        assert sorted(judge.codes) == [(order.orderId, 202) for order in orders]


@pytest.mark.parametrize("version", VERSIONS)
async def test_one_of_a_group_cancels_all(judged: Judged, version: int) -> None:
    async with judging(judged, version) as judge:
        orders = [LimitOrder("BUY", 10, judge.price(factor)) for factor in ("0.5", "0.6")]
        low, high = (judge.place(order) for order in judge.ib.oneCancelsAll([*orders], "either", 1))
        await judge.reach(low, high, status="Submitted")
        assert (high.order.ocaGroup, high.order.ocaType) == ("either", 1)
        high.order.lmtPrice = judge.price("1.01")
        judge.place(high.order)
        await judge.reach(high, status="Filled")
        await judge.reach(low, status="Cancelled")
        judge.agrees(high)


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_group_is_reduced_in_proportion(judged: Judged, version: int) -> None:
    async with judging(judged, version) as judge:
        size = int(judge.exchange.quote(judged.conid).ask_size or 0)
        resting = judge.place(LimitOrder("BUY", 4 * size, judge.price("0.5"), ocaGroup="both", ocaType=2))
        await judge.reach(resting, status="Submitted")
        taking = judge.place(LimitOrder("BUY", 2 * size, judge.price(), ocaGroup="both", ocaType=2))
        await judge.until(lambda: taking.orderStatus.filled == size)
        await judge.until(lambda: resting.order.totalQuantity == 2 * size)
        assert judge.book(resting).remaining == 2 * size


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("terms", [{"auxPrice": 0.1}, {"trailingPercent": 0.04}])
async def test_a_trailing_stop_follows_the_market(judged: Judged, version: int, terms: dict[str, Any]) -> None:
    async with judging(judged, version) as judge:
        judge.place(MarketOrder("BUY", 100))
        began = judge.last()
        trade = judge.place(Order(orderType="TRAIL", action="SELL", totalQuantity=100, **terms))
        await judge.reach(trade, status="PreSubmitted")
        async with judging(judged, version, client_id=2) as other:
            (shown,) = await other.ib.reqAllOpenOrdersAsync()
            assert Decimal(str(shown.order.trailStopPrice)) == judge.book(trade).stop
        await judge.live_until(lambda: judge.book(trade).status == "Filled")
        await judge.reach(trade, status="Filled")
        stop = judge.book(trade).stop
        assert stop is not None
        assert stop >= began - Decimal("0.12")
        judge.agrees(trade)
        assert judge.judged.holding[0] == 0


@pytest.mark.parametrize("version", VERSIONS)
async def test_an_order_waits_for_its_conditions(judged: Judged, version: int) -> None:
    async with judging(judged, version) as judge:
        price, aapl = float(judge.last()), judged.conid
        moment = judge.exchange.now() + timedelta(seconds=30)
        volume = int(judge.exchange.quote(aapl).volume) + 2_000
        watched = {
            "price": PriceCondition(price=round(price + 0.05, 2), conId=aapl, exch="SMART"),
            "time": TimeCondition(time=f"{moment:%Y%m%d %H:%M:%S} UTC"),
            "volume": VolumeCondition(volume=volume, conId=aapl, exch="SMART"),
            "change": PercentChangeCondition(changePercent=0.01, conId=aapl, exch="SMART"),
            "execution": ExecutionCondition(secType="STK", exch="SMART", symbol="AAPL"),
        }
        trades = {
            name: judge.place(MarketOrder("BUY", 1, conditions=[condition])) for name, condition in watched.items()
        }
        await judge.reach(*trades.values(), status="PreSubmitted")
        assert {trade.orderStatus.whyHeld for trade in trades.values()} == {"condition"}
        (shown,) = [trade for trade in await judge.ib.reqAllOpenOrdersAsync() if trade.order == trades["price"].order]
        assert shown.order.conditions == [watched["price"]]
        judge.place(MarketOrder("BUY", 1))
        await judge.reach(trades["execution"], status="Filled")
        await judge.live_until(lambda: not judge.exchange.open_orders(), 40_000)
        await judge.reach(*trades.values(), status="Filled")
        assert trades["time"].fills[0].execution.time == moment or version < 174
        for trade in trades.values():
            judge.agrees(trade)


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_combination_has_a_fill_of_its_own_and_one_for_each_leg(judged: Judged, version: int) -> None:
    async with judging(judged, version) as judge:
        legs = [ComboLeg(judged.conid, 2, "BUY", "SMART"), ComboLeg(272093, 1, "SELL", "SMART")]
        bag = Bag(symbol="AAPL,MSFT", exchange="SMART", currency="USD", comboLegs=legs)
        bid = judge.exchange.quote(272093).bid
        assert bid is not None
        expected = 2 * judge.judged.ask() - float(bid)
        trade = judge.place(LimitOrder("BUY", 10, round(expected, 2)), bag)
        await judge.until(lambda: len(trade.fills) == 3 and trade.isDone())
        assert [fill.contract.secType for fill in trade.fills] == ["BAG", "STK", "STK"]
        assert [fill.execution.shares for fill in trade.fills] == [10, 20, 10]
        assert [fill.execution.side for fill in trade.fills] == ["BOT", "BOT", "SLD"]
        assert trade.orderStatus.avgFillPrice == pytest.approx(expected)
        await judge.until(lambda: len(judge.ib.positions(judged.account)) == 2)
        held = {row.contract.symbol: row.position for row in judge.ib.positions(judged.account)}
        assert held == {"AAPL": 20, "MSFT": -10}
        await judge.until(lambda: trade.fills[-1].commissionReport.execId)
        paid = sum(fill.commissionReport.commission for fill in trade.fills)
        assert Decimal(str(paid)) == judge.judged.commissions
        (known,) = await judge.ib.reqCompletedOrdersAsync(False)
        assert known.contract.comboLegs[0].ratio == 2


def given(price: float | Decimal | None) -> float:
    """A price that was set; 0 for one that was not."""
    return 0.0 if price is None or price > 1e9 else float(price)


async def test_every_other_order_type_is_taken_and_told_back(judged: Judged) -> None:
    async with judging(judged) as judge:
        low, high = judge.price("0.9"), judge.price("1.1")
        till = f"{judge.exchange.now() + timedelta(days=3):%Y%m%d-%H:%M:%S}"
        orders = [
            Order(orderType="TRAIL LIMIT", action="SELL", auxPrice=5, trailStopPrice=low, lmtPriceOffset=0.5),
            Order(orderType="MIT", action="BUY", auxPrice=low),
            Order(orderType="LIT", action="BUY", auxPrice=low, lmtPrice=low),
            Order(orderType="MOC", action="BUY"),
            Order(orderType="LOC", action="BUY", lmtPrice=low),
            Order(orderType="MIDPRICE", action="BUY", lmtPrice=low),
            Order(orderType="REL", action="BUY", auxPrice=0.01, lmtPrice=low),
            Order(orderType="PEG MID", action="BUY", auxPrice=0.02, lmtPrice=low),
            Order(orderType="LMT", action="BUY", lmtPrice=low, tif="OPG"),
            Order(orderType="LMT", action="BUY", lmtPrice=low, tif="GTD", goodTillDate=till),
            Order(orderType="LMT", action="BUY", lmtPrice=low, allOrNone=True),
            Order(orderType="LMT", action="BUY", lmtPrice=low, hidden=True),
            Order(orderType="LMT", action="BUY", lmtPrice=low, displaySize=2, outsideRth=True),
            Order(orderType="LMT", action="BUY", lmtPrice=low, algoStrategy="Adaptive"),
            StopOrder("SELL", 0, low, adjustedOrderType="STP", triggerPrice=high, adjustedStopPrice=judge.price()),
        ]
        asked = []
        for order in orders:
            order.totalQuantity = 10
            trade = judge.place(order)
            asked.append((trade.order.orderId, order.orderType, order.tif, order.lmtPrice, order.auxPrice))
        await judge.until(lambda: len(judge.exchange.open_orders()) == len(orders))
        other = IB()
        await other.connectAsync("127.0.0.1", judged.port, 2, timeout=PATIENCE, account=judged.account)
        try:
            shown = {trade.order.orderId: trade.order for trade in await other.reqAllOpenOrdersAsync()}
        finally:
            other.disconnect()
        for order_id, kind, tif, limit, auxiliary in asked:
            told = shown[order_id]
            assert (told.orderType, told.tif) == (kind, tif)
            assert told.lmtPrice == pytest.approx(given(limit))
            assert told.auxPrice == pytest.approx(given(auxiliary))
        by_kind = {order.orderType + order.tif: order for order in shown.values()}
        assert (by_kind["LMTGTD"].goodTillDate, by_kind["TRAIL LIMITDAY"].lmtPriceOffset) == (till, 0.5)
        assert {order.algoStrategy for order in shown.values()} == {"", "Adaptive"}
        assert by_kind["STPDAY"].adjustedStopPrice == judge.price()
        judge.ib.reqGlobalCancel()
        await judge.until(lambda: not judge.exchange.open_orders())


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"orderType": "VWAP"}, 387),
        ({"orderType": "MOC", "tif": "GTC"}, 113),
        ({"orderType": "LMT", "lmtPrice": 100, "tif": "GTD"}, 391),
        ({"orderType": "LMT", "lmtPrice": 100, "parentId": 77}, 10006),
        ({"orderType": "TRAIL"}, 201),
        ({"orderType": "LMT", "lmtPrice": 100, "displaySize": 20}, 10020),
        ({"orderType": "MKT", "cashQty": 1000}, 10244),
        ({"orderType": "LMT", "lmtPrice": 100, "minQty": 5}, 201),
        ({"orderType": "MKT", "conditions": [PriceCondition(conId=1, exch="SMART")]}, 398),
    ],
)
async def test_what_cannot_be_is_refused_with_ibkrs_code(judged: Judged, terms: dict[str, Any], code: int) -> None:
    async with judging(judged) as judge:
        trade = judge.place(Order(action="BUY", totalQuantity=10, **terms))
        await judge.until(lambda: judge.codes)
        assert judge.codes == [(trade.order.orderId, code)]
        assert not judge.exchange.open_orders()
