"""The judge itself: each way in which books can fail to balance is told, and what is honest is not."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from faults.books import Wrong, complaints
from faults.doors import Door
from faults.records import (
    Answer,
    Asked,
    Beliefs,
    BrokerFill,
    BrokerOrder,
    Heard,
    Journalled,
    Ledger,
    OurOrder,
    Outcome,
)

TEN = Decimal(10)
THEIRS = BrokerOrder("A", "A.0.1", 42, 1, 100, "Filled", TEN, TEN, Decimal("270.01"))
OURS = OurOrder("A", "mine", "filled", "BUY", TEN, TEN, Decimal("270.01"), owes=False)
PLACED = Answer("POST", {"side": "BUY", "qty": 10}, 201, {"id": "A"})


def outcome(
    *,
    theirs: tuple[BrokerOrder, ...] = (THEIRS,),
    ours: tuple[OurOrder, ...] = (OURS,),
    fills: tuple[BrokerFill, ...] = (BrokerFill("x.01", 100, hidden=False),),
    kept: dict[int, str] | None = None,
    heard: tuple[Heard, ...] = (Heard(1, 1, None), Heard(1, 2, "x.01"), Heard(1, 2, None)),
    placed: tuple[Answer, ...] = (PLACED,),
    wishes: tuple[Answer, ...] = (),
    faults: frozenset[str] = frozenset(),
) -> Outcome:
    journal = Journalled(ours, {2: "x.01"} if kept is None else kept, 2, ())
    asked = Asked({"mine": list(placed)}, {"A": list(wishes)} if wishes else {})
    return Outcome(1, Door.TWS, Ledger(theirs, fills), Beliefs(ours, journal, heard), asked, (), faults)


def wrong(**differences: Any) -> set[Wrong]:
    return {complaint.wrong for complaint in complaints(outcome(**differences))}


def test_books_that_agree_raise_no_complaint() -> None:
    assert wrong() == set()


def test_an_order_that_only_the_broker_knows_is_lost() -> None:
    assert Wrong.LOST in wrong(ours=(), kept={2: "x.01"})


def test_two_orders_at_the_broker_for_one_of_ours_are_one_too_many() -> None:
    assert wrong(theirs=(THEIRS, replace(THEIRS, order_id=2, perm_id=101, status="Cancelled", filled=Decimal(0)))) == {
        Wrong.DOUBLED
    }


def test_a_fork_that_was_stopped_is_no_double_and_one_that_lives_on_is() -> None:
    stopped = replace(THEIRS, perm_id=101, status="Cancelled", filled=Decimal(0))
    assert wrong(theirs=(THEIRS, stopped), faults=frozenset({"modify_forks"})) == set()
    assert wrong(theirs=(THEIRS, stopped)) == {Wrong.DOUBLED}
    alive = replace(THEIRS, status="Submitted", filled=Decimal(0))
    working = replace(OURS, status="working", filled=Decimal(0), average=None)
    assert Wrong.DOUBLED in wrong(
        theirs=(alive, replace(alive, perm_id=101)),
        ours=(working,),
        fills=(),
        kept={},
        heard=(Heard(1, 2, None),),
        faults=frozenset({"modify_forks"}),
    )


@pytest.mark.parametrize("status", ["working", "cancelled", "rejected", "never_arrived"])
def test_a_state_that_the_broker_does_not_share_is_false(status: str) -> None:
    assert Wrong.FALSE in wrong(ours=(replace(OURS, status=status),))


def test_an_order_at_the_broker_without_what_was_to_wait_for_it_is_half_a_bracket() -> None:
    alive = replace(THEIRS, status="Submitted", filled=Decimal(0))
    working = replace(OURS, status="working", filled=Decimal(0), average=None)
    child = replace(working, id="B", client_order_id=None, status="never_arrived", side="SELL", parent_id="A")
    unfilled: dict[str, Any] = {"fills": (), "kept": {}, "heard": (Heard(1, 2, None),)}
    assert wrong(theirs=(alive,), ours=(working, child), **unfilled) == {Wrong.HALF}
    there = replace(alive, owner="B", reference="B.0.1", order_id=2, perm_id=101)
    assert wrong(theirs=(alive, there), ours=(working, replace(child, status="working")), **unfilled) == set()
    gone = replace(working, status="never_arrived")
    assert wrong(theirs=(there,), ours=(gone, replace(child, status="working")), **unfilled) == {Wrong.HALF}


def test_an_unknown_order_that_the_broker_shows_is_unresolved() -> None:
    assert Wrong.UNRESOLVED in wrong(ours=(replace(OURS, status="unknown"),))


def test_a_fill_that_nobody_kept_is_lost_and_one_that_never_was_is_false() -> None:
    silent = (Heard(1, 1, None), Heard(1, 2, None))
    assert wrong(kept={}, heard=silent) == {Wrong.FILL_LOST}
    assert Wrong.FALSE in wrong(kept={1: "y.01", 2: "x.01"}, heard=(Heard(1, 1, "y.01"), Heard(1, 2, "x.01")))


def test_a_fill_that_the_broker_hides_may_be_missing_only_where_the_order_says_so() -> None:
    hidden = (BrokerFill("x.01", 100, hidden=True),)
    silent = (Heard(1, 1, None), Heard(1, 2, None))
    assert wrong(fills=hidden, kept={}, heard=silent, ours=(replace(OURS, owes=True),)) == set()
    assert wrong(fills=hidden, kept={}, heard=silent) == {Wrong.FILL_LOST}


def test_of_a_corrected_fill_the_last_word_must_be_there_and_the_first_may() -> None:
    corrected = (BrokerFill("x.02", 100, hidden=False),)
    both = (Heard(1, 1, "x.01"), Heard(1, 2, "x.02"))
    assert wrong(fills=corrected, kept={1: "x.01", 2: "x.02"}, heard=both) == set()
    assert wrong(fills=corrected) == {Wrong.FILL_LOST}


def test_a_price_that_the_broker_does_not_share_is_false() -> None:
    assert wrong(ours=(replace(OURS, average=Decimal("270.02")),)) == {Wrong.FALSE}


def test_a_listener_may_miss_what_happened_while_it_was_away_and_nothing_else() -> None:
    gap = (Heard(1, 1, None), Heard(1, 4, None))
    theirs = (replace(THEIRS, filled=Decimal(0), status="Cancelled"),)
    ours = (replace(OURS, status="cancelled", filled=Decimal(0), average=None),)
    journal = Journalled(ours, {}, 4, ())

    def heard(messages: tuple[Heard, ...]) -> list[Wrong]:
        one = outcome(ours=ours, kept={}, fills=(), theirs=theirs)
        judged = complaints(replace(one, beliefs=Beliefs(ours, journal, messages)))
        return [complaint.wrong for complaint in judged]

    assert heard(gap) == [Wrong.STREAM]
    assert heard((Heard(1, 1, None), Heard(2, 4, None))) == []
    assert heard((Heard(1, 4, None), Heard(2, 1, None), Heard(2, 4, None))) != []
    assert heard((Heard(1, 1, None),)) == [Wrong.STREAM]


def test_a_fill_that_was_told_twice_is_told_once_too_often() -> None:
    assert wrong(heard=(Heard(1, 1, None), Heard(1, 2, "x.01"), Heard(1, 2, "x.01"))) == {Wrong.STREAM}


def test_a_caller_who_was_told_each_time_that_nothing_was_placed_must_find_no_order() -> None:
    refused = Answer("POST", PLACED.body, 503, {"code": "broker.away"})
    assert wrong(placed=(refused,)) == {Wrong.FALSE}
    assert wrong(placed=(refused, PLACED)) == set()


def test_who_was_told_that_his_order_never_arrived_must_find_none() -> None:
    given_up = Answer("POST", PLACED.body, 200, {"id": "A", "status": "never_arrived", "side": "BUY"})
    assert wrong(placed=(PLACED, given_up)) == {Wrong.FALSE}


def test_who_was_told_that_his_order_was_rejected_must_find_none_that_was_taken() -> None:
    rejected = Answer("POST", PLACED.body, 201, {"id": "A", "status": "rejected", "side": "BUY"})
    assert wrong(placed=(rejected,)) == {Wrong.FALSE}
    inactive = (replace(THEIRS, status="Inactive", filled=Decimal(0)),)
    ours = (replace(OURS, status="rejected", filled=Decimal(0), average=None),)
    quiet = (Heard(1, 1, None), Heard(1, 2, None))
    assert wrong(placed=(rejected,), theirs=inactive, ours=ours, fills=(), kept={}, heard=quiet) == set()


def test_whoever_asks_for_another_order_under_a_known_id_must_not_be_told_that_it_is_his() -> None:
    other = Answer("POST", {"side": "SELL", "qty": 10}, 200, {"id": "A"})
    assert wrong(placed=(PLACED, other)) == {Wrong.FALSE}
    refused = Answer("POST", {"side": "SELL", "qty": 10}, 422, {"code": "order.id_reused"})
    assert wrong(placed=(PLACED, refused)) == set()


def test_a_cancel_or_a_change_that_was_confirmed_must_be_the_brokers_word_too() -> None:
    assert wrong(wishes=(Answer("DELETE", None, 200, {"id": "A"}),)) == {Wrong.FALSE}
    assert wrong(wishes=(Answer("PATCH", {"qty": 12}, 200, {"id": "A"}),)) == {Wrong.FALSE}
    assert wrong(wishes=(Answer("PATCH", {"qty": 12}, 422, {"code": "broker.refused"}),)) == set()
