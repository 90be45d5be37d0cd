"""What every journal promises, in each of its homes."""

from __future__ import annotations

from typing import Any

import pytest

from ibkr_bridge.domain.errors import InvalidRequest
from ibkr_bridge.domain.events import AnswerLost, OrderUpdate, Warned
from ibkr_bridge.domain.order import OrderStatus
from ibkr_bridge.ports.journal import Bound, Page


async def test_what_was_appended_is_there_with_consecutive_numbers(journal: Any, story: Any) -> None:
    life = story.filled("first")
    assert await journal.append(life[:1]) == 1
    assert await journal.append(life[1:]) == 2
    assert await journal.append([story.received()]) == len(life) + 1
    assert await journal.order(life[0].order.id) == life[-1].order


async def test_an_empty_batch_takes_no_number(journal: Any, story: Any) -> None:
    assert await journal.append([]) == 1
    assert await journal.append([story.received()]) == 1


async def test_an_order_that_was_never_kept_is_none(journal: Any) -> None:
    assert await journal.order("nobody") is None
    assert await journal.bound("DU1", "nobody") is None
    assert await journal.orders() == Page((), None)
    assert list(await journal.unfinished()) == []


async def test_the_order_is_the_state_after_its_latest_event_of_a_batch(journal: Any, story: Any) -> None:
    life = story.filled()
    await journal.append(life)
    assert (await journal.order(life[0].order.id)).status is OrderStatus.FILLED


async def test_a_client_order_id_leads_to_its_order_as_it_stands(journal: Any, story: Any) -> None:
    life = story.filled("mine")
    await journal.append(life[:1])
    assert await journal.bound("DU1", "mine") == Bound(life[0].order, "body")
    await journal.append(life[1:])
    assert await journal.bound("DU1", "mine") == Bound(life[-1].order, "body")
    assert await journal.bound("DU2", "mine") is None


@pytest.mark.parametrize("at_once", [True, False])
async def test_a_denied_order_releases_its_client_order_id(journal: Any, story: Any, at_once: bool) -> None:
    received = story.received("mine", fingerprint="")
    batches = [[received, story.denied(received)]] if at_once else [[received], [story.denied(received)]]
    for batch in batches:
        await journal.append(batch)
    assert await journal.bound("DU1", "mine") is None
    again = story.received("mine", fingerprint="other")
    await journal.append([again])
    assert await journal.bound("DU1", "mine") == Bound(again.order, "other")


@pytest.mark.parametrize("at_once", [True, False])
async def test_a_denial_releases_no_binding_of_another_order(journal: Any, story: Any, at_once: bool) -> None:
    refused = story.received("mine")
    taken = story.received("mine", fingerprint="taken")
    entries = [refused, taken, story.denied(refused)]
    for batch in [entries] if at_once else [[entry] for entry in entries]:
        await journal.append(batch)
    assert await journal.bound("DU1", "mine") == Bound(taken.order, "taken")


async def test_one_client_order_id_may_live_in_two_accounts(journal: Any, story: Any) -> None:
    one, other = story.received("mine"), story.received("mine", account="DU2")
    await journal.append([one, other])
    assert (await journal.bound("DU1", "mine")).order == one.order
    assert (await journal.bound("DU2", "mine")).order == other.order


async def test_pages_run_from_the_newest_and_meet_without_gap_or_overlap(journal: Any, story: Any) -> None:
    entries = [story.received(account=f"DU{number % 2}") for number in range(7)]
    await journal.append(entries)
    newest = [entry.order for entry in reversed(entries)]
    first = await journal.orders(limit=3)
    second = await journal.orders(limit=3, cursor=first.next_cursor)
    third = await journal.orders(limit=3, cursor=second.next_cursor)
    assert [*first.orders, *second.orders, *third.orders] == newest
    assert third.next_cursor is None
    assert (await journal.orders(limit=7)).next_cursor is None
    assert list((await journal.orders(account="DU1")).orders) == [o for o in newest if o.account == "DU1"]


async def test_a_cursor_that_no_page_gave_begins_no_page(journal: Any, story: Any) -> None:
    await journal.append([story.received()])
    for cursor in ("", "garbage", "~", "01KAJ2M8YQ6Z3V5W7X9ABCDEFG"):
        with pytest.raises(InvalidRequest) as refused:
            await journal.orders(cursor=cursor)
        assert refused.value.facts["errors"] == [{"field": "cursor", "message": refused.value.detail}]


async def test_pages_hold_the_states_that_were_asked_for(journal: Any, story: Any) -> None:
    filled = [story.filled() for _ in range(3)]
    received = story.received()
    refused = story.denied(story.received(account="DU2"))
    await journal.append([entry for life in filled for entry in life] + [received, refused])

    async def ids(*statuses: OrderStatus, **options: Any) -> list[str]:
        return [order.id for order in (await journal.orders(statuses=frozenset(statuses), **options)).orders]

    newest = [life[0].order.id for life in reversed(filled)]
    assert await ids(OrderStatus.FILLED) == newest
    assert await ids(OrderStatus.FILLED, OrderStatus.DENIED) == [refused.order.id, *newest]
    assert await ids(OrderStatus.FILLED, OrderStatus.DENIED, account="DU2") == [refused.order.id]
    assert await ids(OrderStatus.FILLED, OrderStatus.RECEIVED, limit=2) == [received.order.id, newest[0]]
    assert await ids(OrderStatus.UNKNOWN) == []
    assert await ids() == []


async def test_a_switch_stays_as_it_was_last_set(journal: Any) -> None:
    assert await journal.recall("trading") is None
    for value in ("halted", "active", "halted"):
        await journal.remember("trading", value)
    assert await journal.recall("trading") == "halted"


async def test_unfinished_are_the_orders_that_may_live_at_the_broker(journal: Any, story: Any) -> None:
    received, sent = story.received(), story.sent(story.received())
    lost = story.then(sent, AnswerLost("no word", sent.event.at))
    await journal.append([received, sent, lost, *story.filled(), story.denied(story.received())])
    assert list(await journal.unfinished()) == [received.order, lost.order]


async def test_events_are_read_back_exactly_with_the_order_as_it_stood_then(journal: Any, story: Any) -> None:
    life = story.filled("mine")
    life.insert(2, story.then(life[1], Warned(399, "half a é\x00\U0001f4a9", life[1].event.at)))
    await journal.append(life)
    updates = [OrderUpdate(seq, entry.event, entry.order) for seq, entry in enumerate(life, start=1)]
    assert list(await journal.events(0, 100)) == updates
    assert list(await journal.events(2, 2)) == updates[2:4]
    assert list(await journal.events(len(life), 100)) == []
    assert repr(await journal.events(0, 100)) == repr(tuple(updates)), "10 and 10.0 are equal, and not the same"


async def test_an_event_whose_intent_was_never_kept_is_kept(journal: Any, story: Any) -> None:
    sent = story.sent(story.received("mine"))
    await journal.append([sent])
    assert await journal.order(sent.order.id) == sent.order
    assert await journal.bound("DU1", "mine") is None
