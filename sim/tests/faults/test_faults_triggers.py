"""When a fault strikes, how often, and that the same seed strikes the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ibkr_sim.faults.catalogue import KINDS
from ibkr_sim.faults.ports import Door
from ibkr_sim.faults.trigger import InvalidFault, parse

if TYPE_CHECKING:
    from sim.tests.faults.conftest import House


async def vanished(house: House, first: int, seed: int) -> list[int]:
    """Which of forty orders vanish, each with a probability of 0.3."""
    client = await house.client(first)
    house.fault("silent_drop", "order~0.3", seed=seed, client=first)
    for number in range(first, first + 40):
        client.order(number, house.limit(), orderRef=str(number - first))
    await client.settle()
    house.clear()
    taken = {int(order.request.order_ref) for order in house.orders() if order.request.order_id >= first}
    for order in house.simulator.exchange.open_orders():
        house.simulator.exchange.cancel(order.perm_id)
    return [number for number in range(40) if number not in taken]


async def test_the_same_seed_and_the_same_events_give_the_same_faults(house: House) -> None:
    first, again, other = [await vanished(house, at, seed) for at, seed in ((1, 7), (101, 7), (201, 8))]
    assert 4 < len(first) < 20
    assert first == again != other


@pytest.mark.parametrize(
    ("on", "chosen", "gone"),
    [
        ("now", {}, [1]),
        ("order:2", {}, [2]),
        ("order:2", {"times": 2}, [2, 3]),
        ("order:3", {"times": 0}, [3, 4, 5, 6]),
        ("message/3:4", {}, [4]),
        ("cancel:2", {}, [5]),
        ("order", {"client": 2}, []),
        ("order~1", {"times": 2}, [1, 2]),
        ("time:+10", {}, [3]),
        ("time:2026-03-02T15:00:10Z", {}, [3]),
        ("bytes:1", {}, [2]),
        ("execution", {}, []),
    ],
)
async def test_a_trigger_says_when(house: House, on: str, chosen: dict[str, Any], gone: list[int]) -> None:
    client = await house.client()
    injection = house.fault("silent_drop", on, **chosen)
    for number in range(1, 7):
        await client.place(number, house.limit(), orderRef=str(number))
        if number in (3, 4):
            client.say.cancelOrder(number - 2)
        if number == 2 and on.startswith("time"):
            house.advance(10)
            while not injection.active:
                await client.settle()
    await client.settle()
    taken = {int(order.request.order_ref) for order in house.orders()}
    assert [number for number in range(1, 7) if number not in taken] == gone


@pytest.mark.parametrize(
    "text",
    [
        "",
        "never",
        "order:0",
        "order:x",
        "order/3",
        "order~0",
        "order~1.5",
        "order~",
        "now~0.5",
        "time:",
        "time:noon",
        "time:2026-03-02T15:00:00",
        "cancel/sor",
        "request:tickle",
        "request:/tickle~2",
        "request:/tickle:0",
    ],
)
def test_a_trigger_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(InvalidFault):
        parse(text)


@pytest.mark.parametrize(
    ("text", "subject", "nth", "chance"),
    [
        ("request", "", 1, None),
        ("request:4", "", 4, None),
        ("request:/iserver/account/*/orders", "/iserver/account/*/orders", 1, None),
        ("request:/tickle:3", "/tickle", 3, None),
        ("request:/portfolio/*~0.25", "/portfolio/*", 1, 0.25),
        ("frame/sor:2", "sor", 2, None),
        ("message/smd", "smd", 1, None),
        ("reply~0.5", "", 1, 0.5),
    ],
)
def test_a_trigger_names_a_path_or_a_topic(text: str, subject: str, nth: int, chance: float | None) -> None:
    trigger = parse(text)
    assert (trigger.subject, trigger.nth, trigger.chance) == (subject, nth, chance)


@pytest.mark.parametrize(
    ("name", "chosen"),
    [
        ("no_such_fault", {}),
        ("cut", {"byte": 3}),
        ("cut", {"bytes": "many"}),
        ("cut", {"bytes": 1.5}),
        ("cut", {"when": "later"}),
        ("delay", {"seconds": "NaN"}),
        ("delay", {"real": 2}),
        ("link_lost", {"client": 1}),
        ("cut", {"times": -1}),
    ],
)
async def test_a_fault_that_makes_no_sense_is_refused_and_changes_nothing(
    house: House, name: str, chosen: dict[str, Any]
) -> None:
    with pytest.raises(InvalidFault):
        house.fault(name, **chosen)
    assert not house.simulator.faults.injections


async def test_with_every_fault_cleared_service_is_as_before(house: House) -> None:
    client = await house.client()
    whole = [message[0] for message in await client.place(1)]
    client.leave()
    await house.empty()
    kinds = [name for name, kind in KINDS.items() if Door.TWS in kind.doors]
    for name in kinds:
        house.fault(name, "order:1000")
        if name not in ("nightly_restart", "second_factor"):
            house.fault(name)
    assert house.clear() >= len(kinds)
    again = await house.client(2)
    assert [message[0] for message in await again.place(1)] == whole
    assert not house.simulator.faults.injections


async def test_clearing_one_name_leaves_the_others(house: House) -> None:
    client = await house.client()
    house.fault("silent_drop")
    house.fault("answer_lost")
    assert house.clear("silent_drop") == 1
    assert await client.place(1) == []
    assert house.truth() == [("", "Filled", "10")]
