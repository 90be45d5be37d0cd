"""Programs that trade through the service and repeat what they are unsure of; and what each of them was told."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI

_THINK = 1.5
_TRIES = 4


async def call(app: FastAPI, method: str, path: str, body: object = None) -> tuple[int, dict[str, Any]]:
    """One request straight into the application, with no web server between: status and JSON."""
    sent: list[Mapping[str, Any]] = []
    content = b"" if body is None else json.dumps(body).encode()
    headers = [(b"host", b"127.0.0.1"), (b"content-type", b"application/json")]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [*headers, (b"content-length", str(len(content)).encode())],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message: Mapping[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    text = b"".join(message.get("body", b"") for message in sent[1:])
    return int(sent[0]["status"]), dict(json.loads(text))


@dataclass(slots=True)
class Told:
    """What a caller asked under one id, and every answer it got; None: the service died before it answered."""

    body: dict[str, Any]
    answers: list[tuple[int, dict[str, Any]] | None] = field(default_factory=list)

    @property
    def order_ids(self) -> set[str]:
        answers = [answer for answer in self.answers if answer is not None]
        placed = {body["id"] for status, body in answers if status in (200, 201, 202)}
        return placed | {body["order"]["id"] for _status, body in answers if "order" in body}


Ask = Callable[[str, str, object], Awaitable[tuple[int, dict[str, Any]] | None]]


class Caller:
    """One program: it places, changes and cancels, and sends again under the same id whatever it is unsure of."""

    def __init__(self, name: str, chance: random.Random, ask: Ask, told: dict[str, Told]) -> None:
        self._name = name
        self._chance = chance
        self._ask = ask
        self._told = told

    async def run(self, count: int) -> None:
        for number in range(count):
            await asyncio.sleep(self._chance.random() * _THINK)
            order_id = await self._place(f"{self._name}-{number}")
            if order_id is not None:
                await self._follow(order_id)

    async def _place(self, client_order_id: str) -> str | None:
        told = self._told.setdefault(client_order_id, Told({**self._wish(), "client_order_id": client_order_id}))
        for _ in range(_TRIES):
            answer = await self._ask("POST", "/orders", told.body)
            told.answers.append(answer)
            if answer is not None and answer[0] in (200, 201):
                return str(answer[1]["id"])
            if answer is not None and answer[0] == 422:
                return None
            await asyncio.sleep(self._chance.random() * 3)
        return next(iter(told.order_ids), None)

    def _wish(self) -> dict[str, Any]:
        side = self._chance.choice(("BUY", "SELL"))
        qty = self._chance.randint(1, 50)
        base = {"symbol": "AAPL", "side": side, "qty": qty}
        kind = self._chance.random()
        if kind < 0.3:
            return {**base, "type": "MARKET"}
        if kind < 0.5:  # marketable, and perhaps only in part
            return {**base, "qty": qty * 40, "type": "LIMIT", "limit": 280 if side == "BUY" else 260}
        if kind < 0.8:  # near the market: the price walks over it sooner or later
            return {**base, "qty": qty * 10, "type": "LIMIT", "limit": round(270 + self._chance.uniform(-0.1, 0.1), 2)}
        return {**base, "type": "LIMIT", "limit": 200 if side == "BUY" else 340}

    async def _follow(self, order_id: str) -> None:
        kind = self._chance.random()
        await asyncio.sleep(self._chance.random())
        if kind < 0.3:
            await self._ask("DELETE", f"/orders/{order_id}", None)
        elif kind < 0.5:
            await self._ask("PATCH", f"/orders/{order_id}", {"qty": self._chance.randint(1, 90)})
