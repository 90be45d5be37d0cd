"""Every error has its place in the table."""

from __future__ import annotations

import inspect
from decimal import Decimal

from ibkr_bridge.api import errors as api_errors
from ibkr_bridge.api.json import decode, encode
from ibkr_bridge.domain import errors
from ibkr_bridge.domain.contract import Contract


def test_every_error_of_the_tree_has_a_status() -> None:
    tree = {kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.BridgeError)}
    assert api_errors.STATUS.keys() == tree


def test_a_guards_numbers_are_written_exactly() -> None:
    denied = errors.GuardDenied("order_size", "Too large.", limit=Decimal("1E+2"), value=Decimal("150.10"))
    text = encode(api_errors.of(denied))
    assert b'"limit":100,' in text
    assert b'"value":150.10' in text
    assert decode(text)["code"] == "guard.order_size"


def test_candidates_are_contracts() -> None:
    several = errors.AmbiguousContract("AAPL", [Contract(n, "AAPL", "STK", "SMART", "USD") for n in (1, 2)])
    members = decode(encode(api_errors.of(several)))
    assert members["status"] == 409
    assert [candidate["conid"] for candidate in members["candidates"]] == [1, 2]


def test_of_thousands_of_candidates_a_few_are_told_and_their_number() -> None:
    several = errors.AmbiguousContract("SPY OPT", [Contract(n, "SPY", "OPT", "SMART", "USD") for n in range(1, 3000)])
    members = decode(encode(api_errors.of(several)))
    assert (len(members["candidates"]), members["candidates_total"]) == (20, 2999)


def test_a_fact_never_replaces_a_member_of_the_problem() -> None:
    finished = errors.OrderFinished("x", "filled")
    assert api_errors.of(finished)["status"] == 409
