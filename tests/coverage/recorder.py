"""Notes which messages cross the TWS door while a test runs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from weakref import WeakSet

import pytest

from ibkr_sim.tws.connection import Connection
from ibkr_sim.tws.requests.session import StartApi

CLAIMS = Path(__file__).parent / "seen.json"
START_API = 71
LENGTH = 4
"""Bytes before a frame's payload."""


class Crossing(NamedTuple):
    version: int
    direction: str
    """`in` from the client, `out` to it."""
    number: int


def number_of(payload: bytes) -> int:
    return int(payload.split(b"\0", 1)[0])


@contextmanager
def recorded() -> Iterator[set[Crossing]]:
    """What crosses, filled while the block runs; the handshake is no message."""
    seen: set[Crossing] = set()
    introduced: WeakSet[Connection] = WeakSet()
    introduction, serve, send = Connection.introduction, Connection.serve, Connection.send

    async def introduce(self: Connection) -> StartApi:
        told = await introduction(self)
        introduced.add(self)
        seen.add(Crossing(self.version, "in", START_API))
        return told

    async def listen(self: Connection, answer: Callable[[bytes], None], too_fast: Callable[[int], None]) -> None:
        def noted(payload: bytes) -> None:
            seen.add(Crossing(self.version, "in", number_of(payload)))
            answer(payload)

        await serve(self, noted, too_fast)

    def speak(self: Connection, message: bytes) -> None:
        if self in introduced:
            seen.add(Crossing(self.version, "out", number_of(message[LENGTH:])))
        send(self, message)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Connection, "introduction", introduce)
        patch.setattr(Connection, "serve", listen)
        patch.setattr(Connection, "send", speak)
        yield seen


def claims() -> Mapping[str, Mapping[str, str]]:
    """What each tour has been seen to cover: by its test, `178 in` to the numbers."""
    told: Mapping[str, Mapping[str, str]] = json.loads(CLAIMS.read_text(encoding="utf-8"))
    return told


def missing(test: str, seen: set[Crossing]) -> list[Crossing]:
    """What the page claims of this test and it has not done this time."""
    claimed = {
        Crossing(int(version), direction, int(number))
        for key, numbers in claims().get(test, {}).items()
        if key != "client"
        for version, direction in [key.split()]
        for number in numbers.split()
    }
    return sorted(claimed - seen)


def write(folder: Path, test: str, client: str, seen: set[Crossing]) -> None:
    """One small file for one test."""
    kept = {"test": test, "client": client, "seen": sorted(seen)}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{re.sub(r'[^a-z0-9]+', '-', test.lower())}.json").write_text(json.dumps(kept), encoding="utf-8")
