from __future__ import annotations

import asyncio
import time

from ibkr_bridge.upstream.pacing import Lane, Pacer


async def test_orders_go_before_data_that_waited_longer() -> None:
    pacer = Pacer(budget=4, reserve=1, window=0.1)
    went: list[str] = []

    async def send(name: str, lane: Lane) -> None:
        await pacer.turn(lane)
        went.append(name)

    data = [asyncio.create_task(send(f"data {index}", Lane.DATA)) for index in range(8)]
    await asyncio.sleep(0)
    orders = [asyncio.create_task(send(f"order {index}", Lane.ORDERS)) for index in range(3)]
    await asyncio.wait_for(asyncio.gather(*data, *orders), 5)
    pacer.close()
    assert went[:4] == ["data 0", "data 1", "data 2", "order 0"]
    assert went.index("order 1") < went.index("data 3")
    assert went.index("order 2") < went.index("data 3")


async def test_no_window_ever_holds_more_than_the_budget() -> None:
    pacer = Pacer(budget=5, reserve=2, window=0.05)
    times: list[float] = []
    loop = asyncio.get_running_loop()

    async def send(lane: Lane) -> None:
        await pacer.turn(lane)
        times.append(loop.time())

    lanes = [Lane(index % 3) for index in range(30)]
    await asyncio.wait_for(asyncio.gather(*(send(lane) for lane in lanes)), 5)
    pacer.close()
    assert len(times) == 30
    for index in range(len(times) - 5):
        assert times[index + 5] - times[index] >= 0.049


async def test_a_loop_that_stood_still_makes_no_two_bursts_of_one() -> None:
    """The first of a burst keeps the loop to itself; the others are sent late, and count from then."""
    pacer = Pacer(budget=5, reserve=0, window=0.1)
    times: list[float] = []
    loop = asyncio.get_running_loop()

    async def send(number: int) -> None:
        await pacer.turn(Lane.DATA)
        times.append(loop.time())
        if number == 5:
            time.sleep(0.06)  # noqa: ASYNC251  what a busy loop does

    await asyncio.wait_for(asyncio.gather(*(send(number) for number in range(20))), 5)
    pacer.close()
    for index in range(len(times) - 5):
        assert times[index + 5] - times[index] >= 0.099


async def test_a_caller_who_gives_up_takes_nobodys_turn() -> None:
    pacer = Pacer(budget=1, reserve=0, window=0.05)
    await pacer.turn(Lane.DATA)
    waiting = asyncio.create_task(pacer.turn(Lane.DATA))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await asyncio.wait_for(pacer.turn(Lane.DATA), 1)
    pacer.close()
