"""The judge of questions: what nobody has allowed, what was declined, and what was told of it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from faults.books import Wrong, complaints
from faults.doors import Door
from faults.records import Answer, Asked, Beliefs, BrokerOrder, Journalled, Json, Ledger, OurOrder, Outcome

ZERO, MANY = Decimal(0), Decimal(6000)
THEIRS = BrokerOrder("A", "A.0.2", 0, 0, 100, "Submitted", MANY, ZERO, ZERO)
OURS = OurOrder("A", "asked-1", "working", "BUY", MANY, ZERO, None, owes=False)
DECLINED = replace(OURS, status="cancelled")
PLACED = Answer("POST", {"side": "BUY", "qty": 6000}, 202, {"id": "A", "status": "awaiting_answer"})


def reply(status: int, *, yes: bool) -> Answer:
    content: Json = {"id": "A"} if status in (200, 202) else {}
    return Answer("POST", {"confirm": yes}, status, content)


def wrong(
    *replies: Answer,
    ours: OurOrder = OURS,
    theirs: tuple[BrokerOrder, ...] = (THEIRS,),
    declined: frozenset[str] = frozenset(),
    **differences: Any,
) -> set[Wrong]:
    journal = Journalled((ours,), {}, 0, (), declined)
    asked = Asked({ours.client_order_id or "": [PLACED]}, {"A": list(replies)} if replies else {})
    books = Outcome(1, Door.WEBAPI, Ledger(theirs, ()), Beliefs((ours,), journal, ()), asked, (), frozenset())
    return {complaint.wrong for complaint in complaints(replace(books, **differences))}


def test_an_order_that_its_caller_has_allowed_may_live() -> None:
    assert wrong(reply(200, yes=True)) == set()


def test_an_order_that_nobody_has_allowed_must_not_live() -> None:
    assert wrong() == {Wrong.CONSENT}
    assert wrong(reply(200, yes=True), ours=replace(OURS, client_order_id="forbidden-1")) == {Wrong.CONSENT}


def test_a_declined_order_is_cancelled_and_was_never_at_the_broker() -> None:
    declined = frozenset({"A"})
    assert wrong(reply(200, yes=False), ours=DECLINED, theirs=(), declined=declined) == set()
    assert wrong(ours=DECLINED, theirs=(), declined=declined) == set()
    assert Wrong.CONSENT in wrong(reply(200, yes=False), ours=DECLINED, declined=declined)
    assert wrong(ours=DECLINED, theirs=()) == {Wrong.FALSE}


def test_a_no_that_was_taken_must_be_the_end() -> None:
    assert wrong(reply(200, yes=True), reply(200, yes=False)) == {Wrong.CONSENT}
    assert wrong(reply(200, yes=True), reply(409, yes=False)) == set()


@pytest.mark.parametrize("status", [409, 503])
def test_who_was_told_each_time_that_his_yes_placed_nothing_must_find_nothing(status: int) -> None:
    assert wrong(reply(status, yes=True)) == {Wrong.CONSENT}
    assert wrong(reply(status, yes=True), reply(0, yes=True)) == set()


def test_a_question_that_waits_for_its_caller_must_not_be_open_at_the_broker() -> None:
    assert wrong(reply(200, yes=True), left_open=frozenset({"A"})) == {Wrong.CONSENT}


def test_orders_of_two_references_are_two_also_where_the_broker_gives_no_numbers() -> None:
    again = replace(THEIRS, reference="A.0.3", perm_id=101, status="Cancelled")
    assert Wrong.DOUBLED in wrong(reply(200, yes=True), theirs=(THEIRS, again))
    assert Wrong.DOUBLED not in wrong(
        reply(200, yes=True),
        theirs=(THEIRS, replace(again, reference=THEIRS.reference)),
        faults=frozenset({"modify_forks"}),
    )


def test_limits_that_were_broken_are_told_unless_a_gateway_has_held_requests_back() -> None:
    assert wrong(reply(200, yes=True), boxed=True) == {Wrong.LIMITS}
    assert wrong(reply(200, yes=True), boxed=True, faults=frozenset({"gateway_hangs"})) == set()
