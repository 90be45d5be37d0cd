"""Programs that trade through the service, alone or against each other, and repeat whatever they are unsure of."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from faults.records import Answer, Asked, Json

Ask = Callable[[str, str, Json | None], Awaitable[tuple[int, Json]]]
"""Method, path and body; status 0 when the service was dead or died before it answered."""
TRIES = 4
_ALONE, _SHARED, _ORDERS, _TOGETHER = 3, 2, 4, 3


@dataclass(frozen=True, slots=True)
class Wish:
    """An order that a program wants, under an id of its own or one that another program uses as well."""

    client_order_id: str
    body: Json


def programs(seed: int) -> list[list[Wish]]:
    """What each program wants: three with ids of their own, two that share theirs, and not always the body."""
    chance = random.Random(f"wishes {seed}")
    alone = [[_wish(f"caller{number}-{order}", chance) for order in range(_ORDERS)] for number in range(_ALONE)]
    shared = [_wish(f"twins-{order}", chance) for order in range(_TOGETHER)]
    twins = [[_rival(wish) if chance.random() < 0.25 else wish for wish in shared] for _ in range(_SHARED)]
    return [*alone, *twins]


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


def _rival(wish: Wish) -> Wish:
    """The same id for another order."""
    body = {**wish.body, "side": "SELL" if wish.body["side"] == "BUY" else "BUY"}
    return Wish(wish.client_order_id, body)


class Caller:
    """One program. It may be killed at any await, and started again: then it begins with its first wish."""

    def __init__(
        self, wishes: Sequence[Wish], chance: random.Random, ask: Ask, asked: Asked, *, think: float, tries: int = TRIES
    ) -> None:
        """`think`: seconds that it takes between two orders, at most; an order is asked for so many times."""
        self._wishes = wishes
        self._chance = chance
        self._ask = ask
        self._asked = asked
        self._think = think
        self._tries = tries

    async def run(self) -> None:
        for wish in self._wishes:
            await asyncio.sleep(self._chance.random() * self._think if self._chance.random() < 0.7 else 0)
            order_id = await self._place(wish)
            if order_id is not None:
                await self._follow(order_id)

    async def _place(self, wish: Wish) -> str | None:
        known: str | None = None
        for _ in range(self._tries):
            for answer in await self._at_once(wish):
                if answer.order is not None:
                    known = str(answer.order["id"])
                if answer.status in (200, 201) or answer.status == 422:
                    return known if answer.status != 422 else None
            await asyncio.sleep(self._chance.random() * 2 * self._think)
        return known

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

    async def _want(self, method: str, order_id: str, body: dict[str, Any] | None) -> None:
        answer = Answer(method, body, 0, {})
        try:
            answer = Answer(method, body, *await self._ask(method, f"/orders/{order_id}", body))
        finally:
            self._asked.wish(order_id, answer)
