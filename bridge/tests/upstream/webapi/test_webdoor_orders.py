"""Orders through the Web API: questions, answers that are lost, what is known of them afterwards."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from ibkr_bridge.domain.contract import ContractQuery
from ibkr_bridge.domain.errors import (
    BrokerAway,
    BrokerRefused,
    BrokerSilent,
    GuardDenied,
    NotHeardOf,
    NotSupported,
    QuestionAsked,
)
from ibkr_bridge.domain.events import Commissioned, Executed
from ibkr_bridge.domain.identity import reference
from ibkr_bridge.domain.order import OrderStatus
from ibkr_bridge.domain.terms import OrderType
from ibkr_bridge.ports.upstream import MessageKind, OrderMessage, OrderReported
from ibkr_sim.webapi.settings import OrderStream, Unsettled

Rig = Any
Opening = Callable[..., Any]


def live(rig: Rig) -> list[Any]:
    return list(rig.simulator.exchange.open_orders())


async def test_a_market_order_answers_its_questions_and_is_told_with_fill_and_commission(rig: Rig, make: Any) -> None:
    wanted = make.order()
    ids = await rig.place(wanted)
    assert [question.ids for question in rig.asked] == [("o354",), ("o10151",), ("o10153",)]
    assert "<h4>" not in rig.asked[1].text
    fill = await rig.event(Executed)
    assert (fill.broker.perm_id, fill.broker.reference) == (ids.order_id, reference(wanted.id))
    assert (fill.qty, fill.account, fill.contract.currency) == (Decimal(10), wanted.account, "USD")
    charged = await rig.event(Commissioned)
    assert (charged.exec_id, charged.amount, charged.currency) == (fill.exec_id, Decimal(1), "USD")
    report = await rig.event(OrderReported, lambda event: event.report.avg_fill_price is not None)
    assert (report.report.status, report.report.avg_fill_price) == (OrderStatus.FILLED, fill.price)


async def test_a_fill_that_ibkr_repeats_is_told_once(rigs: Opening, make: Any) -> None:
    rig = await (await rigs(door_unsettled=Unsettled(trades_sent=5))).ready()
    await rig.place(make.order())
    await rig.event(Commissioned)
    await rig.place(make.order(qty=Decimal(1)))
    await rig.event(Executed, lambda event: event.qty == 1)
    assert len(rig.told(Executed)) == 2


async def test_a_question_that_is_not_confirmed_is_declined_at_once_and_blocks_nobody(rig: Rig, make: Any) -> None:
    with pytest.raises(QuestionAsked) as asked:
        await rig.place(make.order(limit=rig.price("0.5")), confirm=False)
    assert [question.ids for question in asked.value.questions] == [("o163",)]
    assert not live(rig)
    await rig.place(make.order(limit=rig.price("0.5")))
    assert len(live(rig)) == 1


async def test_the_first_question_that_is_not_confirmed_ends_a_chain(rig: Rig, make: Any) -> None:
    wanted = make.order()
    with pytest.raises(QuestionAsked) as asked:
        await rig.upstream.place(wanted, reference(wanted.id), lambda question: question.ids == ("o354",), rig.freely)
    assert [question.ids for question in asked.value.questions] == [("o10151",)]
    assert rig.simulator.exchange.position(wanted.account, 265598) is None


async def test_where_a_yes_is_not_permitted_any_more_the_question_is_declined(rig: Rig, make: Any) -> None:
    asked = iter([False, True])

    def permit() -> None:
        if next(asked):
            raise GuardDenied("halt", "Trading is halted.")

    wanted = make.order()
    with pytest.raises(GuardDenied):
        await rig.upstream.place(wanted, reference(wanted.id), rig.yes, permit)
    assert len(rig.asked) == 1
    assert not live(rig)
    assert rig.simulator.exchange.position(wanted.account, 265598) is None
    await rig.place(make.order(limit=rig.price("0.5")))
    assert len(live(rig)) == 1


async def test_what_is_not_permitted_is_not_sent(rig: Rig, make: Any) -> None:
    wanted = make.order(limit=rig.price("0.9"))
    ids = await rig.place(wanted)

    def permit() -> None:
        raise GuardDenied("halt", "Trading is halted.")

    for sending in (
        rig.upstream.place(make.order(), reference("another"), rig.yes, permit),
        rig.upstream.modify(make.known(wanted, ids), replace(wanted.terms, qty=Decimal(99)), rig.yes, permit),
    ):
        with pytest.raises(GuardDenied):
            await sending
    [order] = live(rig)
    assert order.request.quantity == wanted.terms.qty


async def test_several_questions_under_one_id_are_one_question(rigs: Opening, make: Any) -> None:
    rig = await (await rigs(door_unsettled=Unsettled(questions_together=True))).ready()
    await rig.place(make.order())
    assert [question.ids for question in rig.asked] == [("o354", "o10151", "o10153")]


async def test_a_single_order_may_be_answered_without_a_list(rigs: Opening, make: Any) -> None:
    rig = await (await rigs(door_unsettled=Unsettled(bare_success=True))).ready()
    assert (await rig.place(make.order())).order_id > 0


@pytest.mark.parametrize("status", [400, 503])
async def test_a_stale_question_leaves_the_order_in_doubt(rigs: Opening, make: Any, status: int) -> None:
    rig = await (await rigs(door_unsettled=Unsettled(stale_reply_status=status))).ready()
    gateway = rig.door.house.sessions.gateway

    def forgets(_question: Any) -> bool:
        rig.door.house.orders.forget(gateway.token)
        return True

    wanted = make.order()
    with pytest.raises(BrokerSilent):
        await rig.upstream.place(wanted, reference(wanted.id), forgets, rig.freely)


async def test_a_refusal_carries_ibkrs_text(rig: Rig, make: Any) -> None:
    with pytest.raises(BrokerRefused) as refused:
        await rig.place(make.order(limit=Decimal("100.123")))
    assert "price" in refused.value.text.lower()


@pytest.mark.parametrize(
    "bad",
    [
        {"status": 503},
        {"status": 503, "body": {"error": "Service Unavailable", "statusCode": 503}},
        {"status": 502, "body": "<html><body>Bad Gateway</body></html>"},
        {"status": 500, "body": "Internal Server Error"},
        {"cut": True},
    ],
)
async def test_an_order_whose_answer_is_lost_is_sent_once_and_found_by_our_reference(
    rig: Rig, make: Any, bad: dict[str, Any]
) -> None:
    wanted = make.order(limit=rig.price("0.99"))
    await rig.place(make.order(limit=rig.price("0.99")))
    rig.moments.bad.append(make.bad("POST", "/iserver/reply/", after=True, **bad))
    with pytest.raises(BrokerSilent):
        await rig.place(wanted)
    await rig.ready()
    state = await rig.upstream.broker_state()
    found = [row for row in state.open if row.report.broker.reference == reference(wanted.id)]
    assert state.complete
    assert len(found) == 1
    assert len(live(rig)) == 2


async def test_an_order_that_is_refused_without_a_bridge_was_not_taken_and_the_bridge_is_built_anew(
    rig: Rig, make: Any
) -> None:
    refusal = {"error": "Bad Request: no bridge", "statusCode": 400}
    rig.moments.bad.append(make.bad("POST", "/iserver/account/", 400, refusal))
    before = rig.moments.count("POST /iserver/auth/ssodh/init")
    with pytest.raises(BrokerAway):
        await rig.place(make.order())
    await rig.ready()
    assert rig.moments.count("POST /iserver/auth/ssodh/init") == before + 1
    assert (await rig.place(make.order())).order_id > 0


async def test_an_order_to_a_gateway_that_is_gone_was_not_sent(rig: Rig, make: Any) -> None:
    await rig.moments.close()
    with pytest.raises(BrokerAway):
        await rig.place(make.order())


async def test_a_gateway_that_hangs_with_an_order_leaves_it_in_doubt(rigs: Opening, make: Any) -> None:
    rig = await (await rigs(request_timeout=0.3)).ready()
    rig.moments.bad.append(make.bad("POST", "/iserver/account/", hangs=True))
    with pytest.raises(BrokerSilent):
        await rig.place(make.order())


async def test_an_order_waits_for_no_slow_call(rig: Rig, make: Any) -> None:
    rig.moments.bad.append(make.bad("GET", "/trsrv/stocks", hangs=True, times=9))
    slow = [asyncio.create_task(rig.upstream.contracts(ContractQuery(symbol=f"S{number}"))) for number in range(9)]
    await rig.until(lambda: rig.moments.count("GET /trsrv/stocks") >= 3)
    async with asyncio.timeout(1.0):
        await rig.place(make.order())
    assert rig.moments.count("GET /trsrv/stocks") == 3
    for task in slow:
        task.cancel()
    await asyncio.gather(*slow, return_exceptions=True)


async def test_a_change_is_told_with_its_terms_and_a_cancel_with_its_end(rig: Rig, make: Any) -> None:
    wanted = make.order(limit=rig.price("0.9"))
    ids = await rig.place(wanted)
    changed = replace(wanted.terms, limit=rig.price("0.95"), qty=Decimal(7))
    await rig.upstream.modify(make.known(wanted, ids), changed, rig.yes, rig.freely)
    await rig.event(OrderReported, lambda event: event.terms == changed)
    assert live(rig)[0].request.limit_price == changed.limit
    await rig.upstream.cancel(make.known(wanted, ids))
    await rig.event(OrderReported, lambda event: event.report.status is OrderStatus.CANCELLED)
    assert not live(rig)


async def test_a_cancel_that_comes_too_late_is_told_as_refused(rig: Rig, make: Any) -> None:
    wanted = make.order()
    ids = await rig.place(wanted)
    await rig.upstream.cancel(make.known(wanted, ids))
    message = await rig.event(OrderMessage)
    assert message.kind is MessageKind.CANCEL_REFUSED
    assert "inactive" in message.message.text


async def test_an_order_without_a_number_cannot_be_cancelled_yet(rig: Rig, make: Any) -> None:
    with pytest.raises(NotHeardOf):
        await rig.upstream.cancel(make.order())


async def test_stops_and_stop_limits_arrive_with_both_prices(rig: Rig, make: Any) -> None:
    stop, limit = rig.price("1.05"), rig.price("1.06")
    await rig.place(make.order(type=OrderType.STOP_LIMIT, stop=stop, limit=limit))
    await rig.place(make.order(type=OrderType.STOP, stop=stop))
    requests = sorted((order.request for order in live(rig)), key=lambda request: request.order_type)
    assert [(request.stop_price, request.limit_price) for request in requests] == [(stop, None), (stop, limit)]


@pytest.mark.parametrize("stream", [OrderStream.SILENT, OrderStream.REFUSED])
async def test_where_the_order_stream_is_silent_orders_are_asked_for(
    rigs: Opening, make: Any, stream: OrderStream
) -> None:
    rig = await (await rigs(door_unsettled=Unsettled(order_stream=stream))).ready()
    ids = await rig.place(make.order(limit=rig.price("0.9")))
    rig.simulator.exchange.cancel(ids.order_id)
    await rig.event(OrderReported, lambda event: event.report.status is OrderStatus.CANCELLED)


async def test_a_look_at_the_broker_is_whole_although_first_answers_are_thin(rig: Rig, make: Any) -> None:
    filled, resting = make.order(), make.order(limit=rig.price("0.9"))
    await rig.place(filled)
    await rig.place(resting)
    await rig.event(Executed)
    state = await rig.upstream.broker_state()
    assert state.complete
    assert [row.report.broker.reference for row in state.open] == [reference(resting.id)]
    assert [row.report.broker.reference for row in state.completed] == [reference(filled.id)]
    assert [row.broker.reference for row in state.executions] == [reference(filled.id)]
    assert state.open[0].terms == resting.terms


@pytest.mark.parametrize("together", [True, False])
async def test_a_look_at_the_broker_shows_the_orders_of_every_account(rigs: Opening, make: Any, together: bool) -> None:
    rig = await (await rigs(door_unsettled=Unsettled(account_called_all=together))).ready()
    for account in rig.upstream.session.accounts:
        await rig.place(make.order(account=account, limit=rig.price("0.9")))
    state = await rig.upstream.broker_state()
    assert state.complete
    assert {row.account for row in state.open} == set(rig.upstream.session.accounts)


async def test_a_look_that_is_not_answered_is_not_whole(rig: Rig, make: Any) -> None:
    rig.moments.bad.append(make.bad("GET", "/iserver/account/trades", body={"error": "x"}, times=9))
    state = await rig.upstream.broker_state()
    assert not state.complete


async def test_callers_who_look_at_once_share_looks(rig: Rig) -> None:
    await rig.upstream.broker_state()
    before = rig.moments.count("GET /iserver/account/orders")
    await asyncio.gather(*(rig.upstream.broker_state() for _caller in range(10)))
    assert rig.moments.count("GET /iserver/account/orders") - before == 2


async def test_a_preview_says_what_an_order_would_bind(rig: Rig, make: Any) -> None:
    wanted = make.order()
    told = await rig.upstream.preview(wanted.account, wanted.contract, wanted.terms)
    assert told.initial_margin_change is not None
    assert told.initial_margin_change > 0
    assert (told.commission, told.commission_currency) == (Decimal(1), "USD")


async def test_everything_cannot_be_cancelled_at_once_and_the_door_says_so(rig: Rig) -> None:
    assert "order.cancel_everything" in rig.upstream.capabilities.missing
    with pytest.raises(NotSupported):
        await rig.upstream.cancel_everything()


async def test_orders_are_heard_in_binary_frames_too(rigs: Opening, make: Any) -> None:
    rig = await (await rigs(door_unsettled=Unsettled(binary_frames=True))).ready()
    await rig.place(make.order())
    await rig.event(Executed)


@pytest.mark.parametrize(
    ("status", "body", "text"),
    [
        (500, {"error": "Order content is invalid"}, "Order content is invalid"),
        (400, {"error": "Bad Request: x", "statusCode": 400}, "Bad Request: x"),
        (
            200,
            {"error": "We cannot accept an order at the limit price."},
            "We cannot accept an order at the limit price.",
        ),
        (200, [{"error": "<b>No</b>"}], "No"),
        (200, [{"order_id": "-1", "order_status": "Failed", "text": "Order couldn't be submitted"}], "couldn't"),
    ],
)
async def test_every_form_of_refusal_is_one(rig: Rig, make: Any, status: int, body: Any, text: str) -> None:
    rig.moments.bad.append(make.bad("POST", "/iserver/account/", status, body))
    with pytest.raises(BrokerRefused, match=text):
        await rig.place(make.order())


@pytest.mark.parametrize(
    "body",
    [
        {"error": "Order couldn't be submitted: Local order ID=x is already registered."},
        {"orderId": 7, "reqId": "1", "text": "Use the algo?", "options": ["a"], "messageId": "p12", "prompt": True},
        [{"something": "new"}],
        "Request was submitted",
    ],
)
async def test_an_answer_that_leaves_doubt_is_no_refusal(rig: Rig, make: Any, body: Any) -> None:
    rig.moments.bad.append(make.bad("POST", "/iserver/account/", 200, body))
    with pytest.raises(BrokerSilent):
        await rig.place(make.order())


async def test_a_question_without_an_id_is_declined(rig: Rig, make: Any) -> None:
    rig.moments.bad.append(make.bad("POST", "/iserver/account/", 200, [{"id": "1-2", "message": ["Sure?"]}]))
    rig.moments.bad.append(make.bad("POST", "/iserver/reply/1-2", 200, {"error": "Order not confirmed "}))
    with pytest.raises(QuestionAsked) as asked:
        await rig.place(make.order(), confirm=False)
    assert asked.value.questions[0].text == "Sure?"
    assert asked.value.questions[0].ids == ()


async def test_a_new_order_passes_through_inactive_without_being_called_refused(rig: Rig, make: Any) -> None:
    await rig.place(make.order(limit=rig.price("0.9")))
    await rig.event(OrderReported, lambda event: event.report.status is OrderStatus.WORKING)
    assert OrderStatus.REJECTED not in {event.report.status for event in rig.told(OrderReported)}


async def test_an_order_that_stays_inactive_was_refused(rigs: Opening, make: Any) -> None:
    rig = await rigs(run=False, inactive_after=0.2)
    rig.moments.muted.add("sor")
    rig.run()
    await rig.ready()
    row = {"order_id": "7", "order_status": "Inactive"}
    rig.moments.bad.append(make.bad("POST", "/iserver/account/", 200, [row]))
    rig.moments.bad.append(make.bad("GET", "/iserver/account/order/status/7", 200, {**row, "order_id": 7}, times=99))
    ids = await rig.place(make.order())
    told = await rig.event(OrderReported, lambda event: event.report.status is OrderStatus.REJECTED)
    assert told.report.broker == ids


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_goes_wrong_an_order_is_sent_once_and_never_denied_while_it_lives(
    rig: Rig, make: Any, seed: int
) -> None:
    luck = random.Random(seed)
    kinds: list[dict[str, Any]] = [
        {"status": 503},
        {"status": 500, "body": {"error": "x"}, "after": False},
        {"status": 401, "body": {"error": "not authenticated", "statusCode": 401}, "after": False},
        {"status": 400, "body": {"error": "Bad Request: no bridge", "statusCode": 400}, "after": False},
        {"cut": True},
        {"status": 502, "body": "<html>Bad Gateway</html>"},
    ]
    for _order in range(25):
        await rig.ready()
        if luck.random() < 0.7:
            path = luck.choice(("/iserver/account/", "/iserver/reply/"))
            rig.moments.bad = [make.bad("POST", path, **{"after": luck.random() < 0.5, **luck.choice(kinds)})]
        wanted = make.order(qty=Decimal(1), limit=rig.price("0.9"))
        try:
            await rig.place(wanted)
            arrived = {1}
        except BrokerSilent:
            arrived = {0, 1}
        except (BrokerAway, BrokerRefused):
            arrived = {0}
        sent = [order for order in live(rig) if order.request.order_ref == reference(wanted.id)]
        assert len(sent) in arrived
