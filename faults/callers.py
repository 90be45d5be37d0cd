"""Programs that trade through the service, alone or against each other, and repeat whatever they are unsure of."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from faults.doors import Door
from faults.records import Answer, Asked, Json

Ask = Callable[[str, str, Json | None], Awaitable[tuple[int, Json]]]
"""Method, path and body; status 0 when the service was dead or died before it answered."""
TRIES = 4
ASKED, FORBIDDEN = "asked", "forbidden"
"""How ids begin of orders that need a yes of the caller's, and of those that the policy lets nobody confirm."""
_LEGS: list[Json] = [{"symbol": "AAPL", "side": "BUY", "ratio": 2}, {"symbol": "MSFT", "side": "SELL"}]
_ALONE, _SHARED, _ORDERS, _TOGETHER = 3, 2, 4, 3


@dataclass(frozen=True, slots=True)
class Wish:
    """An order that a program wants, under an id of its own or one that another program uses as well."""

    client_order_id: str
    body: Json


def programs(seed: int, door: Door, orders: int = _ORDERS, together: int = _TOGETHER) -> list[list[Wish]]:
    """What each program wants: three with ids of their own, two that share theirs, and not always the body.

    At the Web API's door a fourth one of its own wants what IBKR asks about and the policy does not answer.
    """
    chance = random.Random(f"wishes {seed}")
    plain = [[_wish(f"caller{number}-{order}", chance) for order in range(orders)] for number in range(_ALONE)]
    exits = random.Random(f"exits {seed}")
    kinds = random.Random(f"kinds {seed}")
    alone = [[_of_a_kind(_with_exits(wish, exits), kinds) for wish in wishes] for wishes in plain]
    shared = [_wish(f"twins-{order}", chance) for order in range(together)]
    twins = [[_rival(wish) if chance.random() < 0.25 else wish for wish in shared] for _ in range(_SHARED)]
    asked = [_questionable(number, chance) for number in range(orders)] if door is Door.WEBAPI else []
    return [*alone, *twins, *([asked] if asked else [])]


def _questionable(number: int, chance: random.Random) -> Wish:
    """Worth more than a million, so that its value is asked about (o451); a stop order is forbidden (o10331)."""
    side = chance.choice(("BUY", "SELL"))
    kind = chance.choice(("MARKET", "LIMIT", "LIMIT", "STOP"))
    name = f"{FORBIDDEN if kind == 'STOP' else ASKED}-{number}"
    body: Json = {"symbol": "AAPL", "side": side, "qty": chance.randint(6000, 6500), "client_order_id": name}
    match kind:
        case "MARKET":
            return Wish(name, {**body, "type": "MARKET"})
        case "LIMIT":
            return Wish(name, {**body, "type": "LIMIT", "limit": chance.choice((200, 270, 340))})
        case _:
            return Wish(name, {**body, "type": "STOP", "stop": 340 if side == "BUY" else 200})


def _wish(name: str, chance: random.Random) -> Wish:
    side = chance.choice(("BUY", "SELL"))
    qty = chance.randint(1, 50)
    base: Json = {"symbol": "AAPL", "side": side, "qty": qty, "client_order_id": name}
    kind = chance.random()
    if kind < 0.3:
        return Wish(name, {**base, "type": "MARKET"})
    if kind < 0.5:  # marketable, and perhaps only in part
        return Wish(name, {**base, "qty": qty * 40, "type": "LIMIT", "limit": 280 if side == "BUY" else 260})
    if kind < 0.8:  # near the market: the price walks over it sooner or later
        limit = round(270 + chance.uniform(-0.1, 0.1), 2)
        return Wish(name, {**base, "qty": qty * 10, "type": "LIMIT", "limit": limit})
    return Wish(name, {**base, "type": "LIMIT", "limit": 200 if side == "BUY" else 340})


def _with_exits(wish: Wish, chance: random.Random) -> Wish:
    """One in three with orders that wait for it: one that fills at once when it is let go, one far away, or both.

    At times the broker refuses one of them, for its price is between two steps.
    """
    if wish.body["type"] != "LIMIT" or chance.random() > 1 / 3:
        return wish
    buys = wish.body["side"] == "BUY"
    off = 0.001 if chance.random() < 0.25 else 0
    profit = {"take_profit": {"limit": (260 if buys else 280) + off}}
    loss = {"stop_loss": {"stop": 150 if buys else 400}}
    exits = chance.choice((profit, loss, {**profit, **loss}))
    return Wish(wish.client_order_id, {**wish.body, **exits})


def _of_a_kind(wish: Wish, chance: random.Random) -> Wish:
    """At times in place of a plain order a combo, or a stop that trails."""
    kind, luck = wish.body["type"], chance.random()
    plain = {name: value for name, value in wish.body.items() if name != "symbol"}
    if kind == "MARKET" and luck < 0.4:
        return Wish(wish.client_order_id, {**plain, "legs": _LEGS})
    if kind == "LIMIT" and luck < 0.15 and not {"take_profit", "stop_loss"} & wish.body.keys():
        trail = {name: value for name, value in wish.body.items() if name != "limit"}
        return Wish(wish.client_order_id, {**trail, "type": "TRAIL", "trail": chance.choice((0.1, 20))})
    return wish


def _rival(wish: Wish) -> Wish:
    """The same id for another order."""
    body = {**wish.body, "side": "SELL" if wish.body["side"] == "BUY" else "BUY"}
    return Wish(wish.client_order_id, body)


@dataclass(frozen=True, slots=True)
class Pace:
    """`think`: seconds that a program takes between two orders, at most; it asks for an order so many times.

    `answers`: seconds that it takes over a question of IBKR's, at most.
    """

    think: float
    tries: int
    answers: float = 4.0


class Caller:
    """One program. It may be killed at any await, and started again: then it begins with its first wish."""

    def __init__(self, wishes: Sequence[Wish], chance: random.Random, ask: Ask, asked: Asked, pace: Pace) -> None:
        self._wishes = wishes
        self._chance = chance
        self._ask = ask
        self._asked = asked
        self._think = pace.think
        self._tries = pace.tries
        self._answers = pace.answers

    async def run(self) -> None:
        for wish in self._wishes:
            await asyncio.sleep(self._chance.random() * self._think if self._chance.random() < 0.7 else 0)
            order_id = await self._place(wish)
            if order_id is not None:
                await self._follow(order_id)

    async def _place(self, wish: Wish) -> str | None:
        known: str | None = None
        for _ in range(self._tries):
            answers = await self._at_once(wish)
            for answer in answers:
                if answer.order is not None:
                    known = str(answer.order["id"])
                if answer.status in (200, 201) or answer.status == 422:
                    return known if answer.status != 422 else None
            if known is not None and any(answer.asks for answer in answers):
                return known if await self._consider(known) else None
            await asyncio.sleep(self._chance.random() * 2 * self._think)
        return known

    async def _consider(self, order_id: str) -> bool:
        """IBKR asks, and the policy does not know: a yes, a no, both, or no answer at all. Whether it was a yes."""
        await asyncio.sleep(self._chance.random() * self._answers)
        [said] = self._chance.choices(((True,), (True, True), (False,), (False, True), ()), (5, 1, 2, 1, 2))
        for _ in range(self._tries if said else 0):
            wants = [self._want("POST", order_id, {"confirm": yes}, "/answer") for yes in said]
            answers = await asyncio.gather(*wants)
            if all(answer.status not in (0, 503) for answer in answers):
                return True in said
            await asyncio.sleep(self._chance.random() * 2 * self._think)
        return True in said

    async def _at_once(self, wish: Wish) -> list[Answer]:
        """Usually once; a program with a bug in it sends the same thing several times at the same time."""
        copies = self._chance.choice((2, 3, 5)) if self._chance.random() < 0.12 else 1
        return list(await asyncio.gather(*(self._post(wish) for _ in range(copies))))

    async def _post(self, wish: Wish) -> Answer:
        answer = Answer("POST", wish.body, 0, {})
        try:
            answer = Answer("POST", wish.body, *await self._ask("POST", "/orders", wish.body))
        finally:  # a program that is killed has asked all the same
            self._asked.place(wish.client_order_id, answer)
        return answer

    async def _follow(self, order_id: str) -> None:
        kind = self._chance.random()
        await asyncio.sleep(self._chance.random() * self._think)
        if kind < 0.3:
            await self._want("DELETE", order_id, None)
        elif kind < 0.6:
            await self._want("PATCH", order_id, {"qty": self._chance.randint(1, 90)})

    async def _want(self, method: str, order_id: str, body: dict[str, Any] | None, what: str = "") -> Answer:
        answer = Answer(method, body, 0, {})
        try:
            answer = Answer(method, body, *await self._ask(method, f"/orders/{order_id}{what}", body))
        finally:
            self._asked.wish(order_id, answer)
        return answer
