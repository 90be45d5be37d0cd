"""Deliberately broken services at the Web API's door: what clients of it do in good faith, and what it costs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from faults.planting import Bug, put, upstream
from ibkr_bridge.domain.errors import BrokerAway, BrokerRefused, BrokerSilent, QuestionAsked
from ibkr_bridge.domain.identity import reference
from ibkr_bridge.domain.order import BrokerIds, Order
from ibkr_bridge.domain.questions import Decide
from ibkr_bridge.ports.upstream import Permit
from ibkr_bridge.runtime.compose import House
from ibkr_bridge.upstream.pacing import Lane
from ibkr_bridge.upstream.webapi import translate

_ORDERS: Final = "/iserver/account/orders"


def post_repeated_by_the_transport(house: House) -> None:
    """No answer to a POST: post it again, and believe what the repetition is told ("already registered")."""
    rounds = upstream(house)._orders._rounds
    write = rounds._wire.write

    async def first(path: str, body: object, permit: Permit) -> Any:
        try:
            return await write("POST", path, body, permit=permit)
        except BrokerSilent:
            return await write("POST", path, body, permit=permit)

    put(rounds, "_first", first)


def reference_new_at_each_retry(house: House) -> None:
    """No answer to an order: place it again under a new cOID, which IBKR cannot know for the same."""
    door = upstream(house)
    place = door.place

    async def again(order: Order, sent: str, decide: Decide, permit: Permit) -> BrokerIds:
        try:
            ids: BrokerIds = await place(order, sent, decide, permit)
        except BrokerSilent:
            ids = await place(order, reference(order.id, attempt=order.attempt + 1), decide, permit)
        return ids

    put(door, "place", again)


def session_loss_answered_by_a_resend(house: House) -> None:
    """401 or "no bridge": the order goes out once more when the session is back, whatever its caller was told."""
    door = upstream(house)
    place = door.place
    tasks: set[asyncio.Task[None]] = set()

    async def later(order: Order, sent: str, decide: Decide, permit: Permit) -> None:
        for _ in range(10):
            await asyncio.sleep(1)
            try:
                await place(order, sent, decide, permit)
            except BrokerAway:
                continue
            except (BrokerSilent, BrokerRefused, QuestionAsked):
                return
            return

    async def twice(order: Order, sent: str, decide: Decide, permit: Permit) -> BrokerIds:
        try:
            ids: BrokerIds = await place(order, sent, decide, permit)
        except BrokerAway:
            tasks.add(asyncio.get_running_loop().create_task(later(order, sent, decide, permit)))
            raise
        return ids

    put(door, "place", twice)


def question_confirmed_blindly(house: House) -> None:
    """Whatever IBKR asks: yes."""
    rounds = upstream(house)._orders._rounds
    submit = rounds.submit

    async def yes(path: str, body: object, _decide: Decide, permit: Permit) -> Any:
        return await submit(path, body, lambda _question: True, permit)

    put(rounds, "submit", yes)


def declined_question_left_open(house: House) -> None:
    """A no is kept here, and IBKR is not told."""

    async def nothing(_name: str) -> None:
        return

    put(upstream(house)._orders._rounds, "_decline", nothing)


def unanswered_question_confirmed_in_the_end(house: House) -> None:
    """Nobody answers in time: then it cannot have been important."""
    questions, sending = house.machine._questions, house.machine._sending

    async def run_out(order_id: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        order = house.machine._book.get(order_id)
        if order is not None and order.status == "awaiting_answer":
            await sending.place_confirmed(order)

    put(questions, "_run_out", run_out)


def error_in_a_good_answer_taken_for_success(house: House) -> None:
    """200 is 200: the error in it is not read, and the change counts as made."""
    orders = upstream(house)._orders
    submit = orders._rounds.submit

    async def fine(path: str, body: object, decide: Decide, permit: Permit) -> Any:
        try:
            return await submit(path, body, decide, permit)
        except BrokerRefused as refused:
            number = path.rpartition("/")[2]
            if refused.ibkr_code is not None or not number.isdecimal():
                raise
            return {"order_id": number, "order_status": "Submitted"}

    put(orders._rounds, "submit", fine)


def thin_first_answer_trusted(house: House) -> None:
    """The first list of a session is empty, and taken for all there is."""
    orders = upstream(house)._orders
    thorough = orders._list

    async def listed(scope: str) -> tuple[list[Any], bool]:
        told = translate.mapping(await orders._wire.read(_ORDERS, {}, Lane.ORDERS))
        if told.get("snapshot") is False:
            return [], True
        whole: tuple[list[Any], bool] = await thorough(scope)
        return whole

    put(orders, "_list", listed)


def stale_reply_taken_for_not_placed(house: House) -> None:
    """The answer to a question is refused or lost: so the order is not placed."""
    rounds = upstream(house)._orders._rounds
    confirm = rounds._confirm

    async def refused(name: str, permit: Permit) -> Any:
        try:
            return await confirm(name, permit)
        except BrokerSilent as silent:
            raise BrokerRefused(None, silent.detail) from silent

    put(rounds, "_confirm", refused)


def silence_taken_for_a_refusal(house: House) -> None:
    """503, a cut answer or none: the order counts as refused."""
    door = upstream(house)
    place = door.place

    async def refused(order: Order, sent: str, decide: Decide, permit: Permit) -> BrokerIds:
        try:
            ids: BrokerIds = await place(order, sent, decide, permit)
        except BrokerSilent as silent:
            raise BrokerRefused(None, silent.detail) from silent
        return ids

    put(door, "place", refused)


BUGS: Final[Mapping[str, Bug]] = {
    bug.__name__: bug
    for bug in (
        post_repeated_by_the_transport,
        reference_new_at_each_retry,
        session_loss_answered_by_a_resend,
        question_confirmed_blindly,
        declined_question_left_open,
        unanswered_question_confirmed_in_the_end,
        error_in_a_good_answer_taken_for_success,
        thin_first_answer_trusted,
        stale_reply_taken_for_not_placed,
        silence_taken_for_a_refusal,
    )
}
