"""What survives a restart of the simulator: orders, ids, positions, cash, executions, prices."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ibkr_sim.clock import Clock
from ibkr_sim.exchange.exchange import Exchange
from ibkr_sim.exchange.listing.contracts import Wanted
from ibkr_sim.exchange.model import ActionKind, CorporateAction, OrderRequest, Side, Status
from ibkr_sim.exchange.settings import ExchangeSettings
from ibkr_sim.exchange.terms import Adjustment, ComboLeg, Conditions, PriceCondition, TimeCondition
from ibkr_sim.keeping.file import StateUnreadable, load, store, written
from ibkr_sim.keeping.values import decoded, encoded
from ibkr_sim.server import Simulator, SimulatorSettings
from ibkr_sim.tws.settings import TwsSettings
from ibkr_sim.webapi.settings import WebApiSettings

START = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
ACCOUNT, AAPL, MSFT = "DU9912345", 265598, 272093


def request(**terms: Any) -> OrderRequest:
    known: dict[str, Any] = {"account": ACCOUNT, "conid": AAPL, "side": Side.BUY, "quantity": Decimal(10)}
    return OrderRequest(**known | {"order_type": "MKT"} | terms)


def limit(price: str, **terms: Any) -> OrderRequest:
    return request(order_type="LMT", limit_price=Decimal(price), **terms)


def opened(memory: Any = None, start: datetime = START) -> tuple[Exchange, Clock]:
    clock = Clock(start, 0)
    return Exchange(ExchangeSettings(), clock, memory), clock


def reopened(exchange: Exchange, **later: float) -> Exchange:
    memory = decoded(json.loads(json.dumps(encoded(exchange.remember()))))
    return opened(memory, exchange.now() + timedelta(**later))[0]


def test_positions_cash_and_executions_survive() -> None:
    exchange, clock = opened()
    exchange.place(request(order_ref="mine"))
    clock.advance(timedelta(minutes=5))
    exchange.advance()
    exchange.place(request(side=Side.SELL, quantity=Decimal(4)))
    again = reopened(exchange)
    mine, theirs = exchange.positions(ACCOUNT), again.positions(ACCOUNT)
    assert [(row.quantity, row.average_cost, row.realized_pnl) for row in mine] == [
        (row.quantity, row.average_cost, row.realized_pnl) for row in theirs
    ]
    assert again.executions() == exchange.executions()
    assert [order.request.order_ref for order in again.completed_orders()] == ["mine", ""]
    assert again.net_liquidation(ACCOUNT) == pytest.approx(exchange.net_liquidation(ACCOUNT), abs=2)
    before, after = exchange.quote(AAPL).bid, again.quote(AAPL).bid
    assert before == pytest.approx(after, abs=Decimal("0.2"))


def test_open_orders_keep_their_numbers_their_place_and_their_terms() -> None:
    exchange, _clock = opened()
    worked = exchange.place(limit("200", tif="GTC", client_id=3, order_id=7))
    stop = exchange.place(request(order_type="TRAIL", side=Side.SELL, trailing_percent=Decimal(2), tif="GTC"))
    conditions = Conditions(((PriceCondition(MSFT, True, Decimal(9999)),),))
    waits = exchange.place(limit("270", tif="GTC", conditions=conditions))
    child = exchange.place(limit("300", side=Side.SELL, tif="GTC", parent=worked.perm_id))
    again = reopened(exchange)
    for before in (worked, stop, waits, child):
        after = again.order(before.perm_id)
        assert after is not None
        assert (after.request, after.status, after.why_held) == (before.request, before.status, before.why_held)
    again.cancel(worked.perm_id)
    gone = again.order(child.perm_id)
    assert gone is not None
    assert gone.status is Status.CANCELLED
    fresh = again.place(limit("200"))
    assert fresh.perm_id > child.perm_id


def test_an_order_that_can_trade_after_the_restart_does() -> None:
    exchange, _clock = opened()
    quote = exchange.quote(AAPL)
    assert quote.bid is not None
    resting = exchange.place(limit(str(quote.bid - Decimal("0.05")), tif="GTC"))
    again, clock = opened(decoded(encoded(exchange.remember())))
    for _ in range(400):
        clock.advance(timedelta(seconds=5))
        again.advance()
        after = again.order(resting.perm_id)
        if after is not None and after.status is Status.FILLED:
            return
    raise AssertionError("it rests for ever")


def test_a_new_day_ends_what_was_good_for_the_old_one() -> None:
    exchange, _clock = opened()
    day, good = exchange.place(limit("200")), exchange.place(limit("200", tif="GTC"))
    exchange.place(request())
    again = reopened(exchange, days=1)
    assert [order.perm_id for order in again.open_orders()] == [good.perm_id]
    assert again.order(day.perm_id) is None or again.order(day.perm_id).status is Status.CANCELLED  # type: ignore[union-attr]
    assert again.executions() == ()
    assert again.positions(ACCOUNT)[0].quantity == 10


def test_options_futures_and_combinations_survive_and_still_end() -> None:
    exchange, _clock = opened(start=datetime(2026, 3, 20, 15, 0, tzinfo=UTC))
    (call,) = exchange.search(Wanted(symbol="AAPL", sec_type="OPT", expiry="20260320", strike=Decimal(240), right="C"))
    future = exchange.search(Wanted(symbol="ES", sec_type="FUT"))[1]
    pair = exchange.combination("", "USD", [ComboLeg(AAPL, 1, "BUY"), ComboLeg(MSFT, 1, "SELL")])
    exchange.place(request(conid=call.conid, quantity=Decimal(1)))
    exchange.place(request(conid=future.conid, quantity=Decimal(1)))
    resting = exchange.place(limit("-900", conid=pair.conid, tif="GTC"))
    again = reopened(exchange, hours=6)
    held = {row.conid: row.quantity for row in again.positions(ACCOUNT) if row.quantity}
    assert held == {future.conid: 1, AAPL: 100}
    assert again.contract(pair.conid) == pair
    known = again.order(resting.perm_id)
    assert known is not None
    assert known.status is Status.SUBMITTED


def test_every_term_of_an_order_comes_back_as_it_was() -> None:
    whole = request(
        adjustment=Adjustment("TRAIL", Decimal("280.5"), trailing=Decimal(1)),
        conditions=Conditions(
            ((TimeCondition(True, START),), (PriceCondition(MSFT, False, Decimal(1)),)), cancels=True
        ),
        good_till=START,
        wire={"algoStrategy": ("Adaptive", "1", "adaptivePriority", "Normal")},
    )
    assert decoded(json.loads(json.dumps(encoded(whole)))) == whole
    with pytest.raises(TypeError):
        encoded(object())


@pytest.mark.parametrize("text", ["", "{}", '{"version": 99, "state": null}', '{"version": 1, "state": {"kind": "x"}}'])
def test_a_file_that_holds_no_state_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "state"
    path.write_text(text)
    with pytest.raises(StateUnreadable):
        load(path)
    assert load(tmp_path / "none") is None


def test_a_state_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "state"
    for number in (1, 2):
        store(path, written({"exchange": number}))
        assert load(path) == {"exchange": number}
    assert [row.name for row in tmp_path.iterdir()] == ["state"]


def settings(path: Path, start: datetime = START) -> SimulatorSettings:
    return SimulatorSettings(
        tws=TwsSettings(port=0), webapi=WebApiSettings(port=0), control_port=None, start=start, speed=0, state=path
    )


async def test_a_simulator_goes_on_where_it_was_closed(tmp_path: Path) -> None:
    path = tmp_path / "state"
    async with Simulator(settings(path)) as first:
        first.exchange.place(replace(limit("200", tif="GTC"), client_id=5, order_id=41))
        first.door.order_ids.record(5, 41, first.exchange.open_orders()[0].perm_id)
        first.clock.advance(timedelta(hours=1))
    async with Simulator(settings(path)) as second:
        assert second.exchange.now() == START + timedelta(hours=1)
        (order,) = second.exchange.open_orders()
        assert second.door.order_ids.perm_ids(5, 41) == (order.perm_id,)
        assert second.door.order_ids.next_id(5) == 42


async def test_what_happened_is_on_disk_soon(tmp_path: Path) -> None:
    path = tmp_path / "state"
    async with Simulator(settings(path)) as simulator:
        simulator.exchange.place(request())
        async with asyncio.timeout(5):
            while not path.exists():  # noqa: ASYNC110 - another thread writes it
                await asyncio.sleep(0.02)
        state = load(path)
        assert state is not None
        assert len(state["exchange"]["executions"]) == 1


def test_the_command_keeps_its_state_over_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "state"
    command = [sys.executable, "-m", "ibkr_sim", "serve", "--tws-port", "0", "--control-port", "0", "--no-webapi"]
    command += ["--ready-json", "--state", str(path)]

    def run(*words: str, port: int) -> Any:
        told = subprocess.run(
            [sys.executable, "-m", "ibkr_sim", *words], env=os.environ | {"IBKR_SIM_CONTROL_PORT": str(port)},
            capture_output=True, check=True, timeout=20,
        )  # fmt: skip
        return json.loads(told.stdout)

    for round_ in range(2):
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            port = json.loads(process.stdout.readline())["control_port"]
            if round_ == 0:
                run("order", "BUY", "3", "AAPL", port=port)
            else:
                accounts = run("ledger", port=port)["accounts"]
                assert [row["quantity"] for row in accounts[0]["positions"]] == ["3"]
            process.send_signal(signal.SIGTERM if os.name == "posix" else signal.SIGBREAK)  # type: ignore[attr-defined]
            assert process.wait(20) == 0
    path.write_text("nonsense")
    done = subprocess.run(command, capture_output=True, check=False, timeout=20)
    assert (done.returncode, b"not a state" in done.stderr) == (1, True)


def test_halts_announcements_and_instructions_survive() -> None:
    exchange, _clock = opened()
    (call,) = exchange.search(Wanted(symbol="AAPL", sec_type="OPT", expiry="20260320", strike=Decimal(240), right="C"))
    exchange.place(request(conid=call.conid, quantity=Decimal(2)))
    exchange.lapse(ACCOUNT, call.conid, Decimal(2))
    exchange.lend(MSFT, Decimal(7))
    exchange.halt(MSFT)
    exchange.announce(CorporateAction(AAPL, ActionKind.SPLIT, Decimal(2), START + timedelta(days=1)))
    exchange.announce(CorporateAction(AAPL, ActionKind.DIVIDEND, Decimal(1), START + timedelta(days=3)))
    held = exchange.hold(limit("200", tif="GTC"))
    again = reopened(exchange, hours=1)
    assert (again.is_halted(MSFT), again.shortable(MSFT)) == (True, 7)
    assert again.release(held.perm_id) is not None
    twice = reopened(again, days=1)
    assert twice.positions(ACCOUNT)[0].quantity == 4
    contract = twice.contract(call.conid)
    assert contract is not None
    assert contract.strike == 120
    thrice = reopened(twice, days=20)
    assert {row.conid for row in thrice.positions(ACCOUNT) if row.quantity} == set()
    cash = {row.key: row.value for row in thrice.account_values(ACCOUNT) if row.currency == "USD"}
    assert cash["CashBalance"] == cash["NetLiquidation"]


def test_what_the_settings_announce_happens_once_however_often_it_is_opened() -> None:
    actions = (
        CorporateAction(AAPL, ActionKind.DIVIDEND, Decimal(1)),
        CorporateAction(AAPL, ActionKind.DIVIDEND, Decimal(2), START + timedelta(hours=2)),
    )
    memory, paid = None, []
    for hours in (0, 1, 3, 4):
        clock = Clock(START + timedelta(hours=hours), 0)
        exchange = Exchange(ExchangeSettings(corporate_actions=actions), clock, memory)
        if hours == 0:
            exchange.place(request(quantity=Decimal(100)))
        clock.advance(timedelta(seconds=1))
        exchange.advance()
        paid.append(exchange.ledger.account(ACCOUNT).cash["USD"])
        memory = decoded(encoded(exchange.remember()))
    assert [amount - paid[0] for amount in paid] == [0, 0, 200, 200]


def test_a_state_of_the_older_form_still_loads() -> None:
    exchange, _clock = opened()
    exchange.place(request())
    resting = exchange.place(limit("200", tif="GTC"))
    memory = decoded(encoded(exchange.remember()))
    for name in ("aside", "splits", "corporate_actions", "halted", "lapsing", "shortable"):
        del memory[name]
    for row in memory["orders"]:
        del row["witnessed"]
    again, _clock = opened(memory)
    assert [order.perm_id for order in again.open_orders()] == [resting.perm_id]
    assert again.positions(ACCOUNT)[0].quantity == 10
