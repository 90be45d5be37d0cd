"""Questions that IBKR's Web API asks before it takes an order: whose answer counts, and what is live meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ibkr_bridge.config.settings import GuardSettings
from ibkr_bridge.domain.events import Answered, Asked
from ibkr_bridge.storage.memory import MemoryJournal
from ibkr_sim.control.orders import place

MARKET = {"symbol": "AAPL", "side": "BUY", "qty": 10, "type": "MARKET", "client_order_id": "mine"}
FAR = {"symbol": "AAPL", "side": "BUY", "qty": 10, "type": "LIMIT", "limit": 200}
NEAR = {**FAR, "limit": 265}


@pytest.fixture
def build(build: Callable[..., Any]) -> Callable[..., Any]:
    return partial(build, door="webapi", first_word_timeout=10.0)


@pytest.fixture
async def home(build: Callable[..., Any]) -> AsyncIterator[Any]:
    async with build() as one:
        yield one


def policy(folder: Path, **verdicts: str) -> Path:
    file = folder / "questions.toml"
    file.write_text("\n".join(("[questions]", *(f'{name} = "{verdict}"' for name, verdict in verdicts.items()))))
    return file


def live(home: Any) -> list[Any]:
    return list(home.simulator.exchange.open_orders())


async def asked(home: Any, order: dict[str, Any]) -> dict[str, Any]:
    await home.call("GET", "/market/quote/AAPL")  # else IBKR asks about the missing data first
    status, found = await home.call("POST", "/orders", order)
    assert (status, found["status"]) == (202, "awaiting_answer")
    return dict(found)


async def test_a_question_that_no_policy_answers_is_shown_in_full_and_nothing_is_live(home: Any) -> None:
    order = await asked(home, MARKET)
    [question] = order["questions"]
    assert question["ids"] == ["o10151"]
    assert question["text"]
    assert order["deadline"]
    assert not live(home)
    assert not home.simulator.exchange.executions()


async def test_on_a_yes_the_order_is_placed_anew_and_fills(home: Any) -> None:
    order = await asked(home, MARKET)
    status, found = await home.call("POST", f"/orders/{order['id']}/answer", {"confirm": True})
    assert (status, [question["ids"] for question in found["questions"]]) == (202, [["o10153"]])
    status, found = await home.call("POST", f"/orders/{order['id']}/answer", {"confirm": True})
    assert status == 200, found
    filled = await home.until_order(order["id"], "filled")
    assert filled["questions"] is None
    assert filled["broker"][0]["reference"] == f"{order['id']}.0.3"
    assert sum(row.shares for row, _charge in home.simulator.exchange.executions()) == 10


async def test_on_a_no_the_order_ends_and_never_was(home: Any) -> None:
    order = await asked(home, MARKET)
    status, found = await home.call("POST", f"/orders/{order['id']}/answer", {"confirm": False})
    assert (status, found["status"]) == (200, "cancelled")
    assert "declined" in found["reason"]
    status, problem = await home.call("POST", f"/orders/{order['id']}/answer", {"confirm": True})
    assert (status, problem["code"]) == (409, "order.not_asked")


async def test_a_cancel_of_an_order_that_is_asked_about_ends_it_at_once(home: Any) -> None:
    order = await asked(home, MARKET)
    status, found = await home.call("DELETE", f"/orders/{order['id']}")
    assert (status, found["status"]) == (200, "cancelled")


async def test_nobody_blocks_anybody_by_not_answering(home: Any) -> None:
    await asked(home, MARKET)
    status, other = await home.call("POST", "/orders", NEAR)
    assert (status, other["status"]) == (201, "working")


async def test_a_question_runs_out(build: Any) -> None:
    async with build(answer_timeout=0.5) as home:
        order = await asked(home, MARKET)
        found = await home.until_order(order["id"], "cancelled")
        assert "in time" in found["reason"]


async def test_an_answer_comes_too_late_after_a_restart_and_the_order_never_was(build: Any) -> None:
    journal = MemoryJournal()
    async with build(journal=journal, answer_timeout=1.0) as home:
        order = await asked(home, MARKET)
    async with build(journal=journal, answer_timeout=1.0) as home:
        found = await home.until_order(order["id"], "cancelled")
        assert "in time" in found["reason"]


async def test_the_policy_answers_what_it_names_and_the_record_says_so(build: Any, tmp_path: Path) -> None:
    journal = MemoryJournal()
    async with build(journal=journal, questions_file=policy(tmp_path, o10151="allow", o10153="allow")) as home:
        await home.call("GET", "/market/quote/AAPL")
        status, order = await home.call("POST", "/orders", MARKET)
        assert status == 201, order
        await home.until_order(order["id"], "filled")
    events = [update.event for update in await journal.events(0)]
    told = [(event.by, event.confirmed, event.question.ids) for event in events if isinstance(event, Answered)]
    assert told == [("policy", True, ("o10151",)), ("policy", True, ("o10153",))]
    assert not [event for event in events if isinstance(event, Asked)]


async def test_what_the_policy_refuses_no_caller_can_confirm(build: Any, tmp_path: Path) -> None:
    async with build(questions_file=policy(tmp_path, o10151="refuse")) as home:
        order = await asked(home, MARKET)
        status, problem = await home.call("POST", f"/orders/{order['id']}/answer", {"confirm": True})
        assert (status, problem["code"]) == (422, "order.question_refused")
        assert not home.simulator.exchange.executions()


async def test_a_yes_counts_for_what_was_shown_and_a_further_question_is_shown_anew(home: Any) -> None:
    status, found = await home.call("POST", "/orders", FAR)  # without market data: IBKR asks about that as well
    shown = []
    while status == 202:
        shown.append([name for question in found["questions"] for name in question["ids"]])
        status, found = await home.call("POST", f"/orders/{found['id']}/answer", {"confirm": True})
    assert (status, found["status"]) == (200, "working")
    assert sorted(shown) == [["o163"], ["o354"]]
    assert found["broker"][0]["reference"].endswith(".0.3")


async def test_the_kill_switch_says_yes_to_what_ibkr_asks_about_an_order_that_closes_a_position(home: Any) -> None:
    status, order = await home.call("POST", "/orders", {**MARKET, "qty": 600})
    while status == 202:
        status, order = await home.call("POST", f"/orders/{order['id']}/answer", {"confirm": True})
    await home.until_order(order["id"], "filled")
    status, report = await home.call("POST", "/admin/halt", {"flatten": True})
    assert (status, report["not_flattened"], len(report["flattening"])) == (200, [], 1)
    closing = await home.until_order(report["flattening"][0], "filled")
    assert (closing["side"], closing["filled_qty"]) == ("SELL", 600)
    assert closing["broker"][0]["reference"] != f"{closing['id']}.0.1", "IBKR has asked"


async def test_what_policy_refuses_the_kill_switch_names_as_not_closed(build: Any, tmp_path: Path) -> None:
    async with build(questions_file=policy(tmp_path, o10151="allow", o10153="allow", o383="refuse")) as home:
        await home.call("GET", "/market/quote/AAPL")
        for half in ("one", "other"):
            _status, order = await home.call("POST", "/orders", {**MARKET, "qty": 400, "client_order_id": half})
            await home.until_order(order["id"], "filled")
        _status, report = await home.call("POST", "/admin/halt", {"flatten": True})
        assert report["flattening"] == []
        assert [failure["what"] for failure in report["not_flattened"]] == [MARKET["symbol"]]


async def test_a_yes_passes_the_guards_again(home: Any) -> None:
    order = await asked(home, MARKET)
    await home.call("POST", "/admin/halt", {})
    status, problem = await home.call("POST", f"/orders/{order['id']}/answer", {"confirm": True})
    assert (status, problem["code"]) == (422, "guard.halt")
    assert not home.simulator.exchange.executions()


async def test_a_yes_to_a_group_takes_each_of_it_past_the_guards_again(build: Any) -> None:
    """Somebody has bought by hand meanwhile: one order of the group would now go beyond the limit."""
    async with build(guards=GuardSettings.wide_open().model_copy(update={"max_position": Decimal(12)})) as home:
        for symbol in ("AAPL", "MSFT"):
            await home.call("GET", f"/market/quote/{symbol}")
        group = [{**FAR, "symbol": "MSFT", "limit": 300}, FAR]
        status, told = await home.call("POST", "/orders/oca", {"orders": group})
        assert [order["status"] for order in told["orders"]] == ["awaiting_answer"] * 2, (status, told)
        place(home.simulator.exchange, {"symbol": "AAPL", "side": "BUY", "quantity": 5})

        async def held() -> bool:
            return bool((await home.call("GET", "/positions"))[1]["positions"])

        await home.until(held)
        status, problem = await home.call("POST", f"/orders/{told['orders'][0]['id']}/answer", {"confirm": True})
        assert (status, problem["code"], problem["value"]) == (422, "guard.position", "15")
        assert not live(home)


async def test_a_change_that_is_asked_about_is_refused_with_the_question_and_passes_when_confirmed(home: Any) -> None:
    await home.call("GET", "/market/quote/AAPL")
    status, order = await home.call("POST", "/orders", NEAR)
    assert status == 201
    status, problem = await home.call("PATCH", f"/orders/{order['id']}", {"limit": 200})
    assert (status, problem["code"]) == (409, "order.question")
    ids = [name for question in problem["questions"] for name in question["ids"]]
    while status == 409:
        status, changed = await home.call("PATCH", f"/orders/{order['id']}", {"limit": 200, "confirm": ids})
        ids += [name for question in changed.get("questions") or () for name in question["ids"]]
    assert (status, changed["limit"]) == (200, 200)
    [really] = live(home)
    assert really.request.limit_price == 200
