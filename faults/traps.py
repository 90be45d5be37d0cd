"""Steps of an order at which a process can be killed: seen on the wire, in the journal's file, or by the clock."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

PLACE_ORDER, CANCEL_ORDER = "3", "4"
ORDER_STATUS, OPEN_ORDER, EXECUTION = "3", "5", "11"
"""First fields of the TWS API's messages, to the gateway and from it."""


class Step(StrEnum):
    RECEIVED = "received"
    JOURNALLED = "journalled"
    SENT = "sent"
    FIRST_WORD = "first word"
    WORKING = "working"
    PARTIALLY_FILLED = "partially filled"
    CANCEL_SENT = "cancel sent"
    MODIFY_SENT = "modify sent"
    ANY = "any moment"


class Trap:
    """Kills at the next occasion of the step it is set for; `struck` tells that it has."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._step: Step | None = None
        self._kill: Callable[[], None] = _nobody
        self._sent: set[str] = set()
        self.struck = asyncio.Event()

    def set_for(self, step: Step, kill: Callable[[], None]) -> None:
        self.struck.clear()
        self._step, self._kill = step, kill

    def sending(self, frame: bytes) -> None:
        """A message of the service's, before it goes on: a dead process's last word may arrive."""
        kind, number = _named(frame)
        if kind == PLACE_ORDER:
            self._strike_at(Step.MODIFY_SENT if number in self._sent else Step.SENT)
            self._sent.add(number)
        elif kind == CANCEL_ORDER:
            self._strike_at(Step.CANCEL_SENT)

    def hearing(self, frame: bytes) -> None:
        """A message of the gateway's, before the service has it."""
        kind, _number = _named(frame)
        if kind in (ORDER_STATUS, OPEN_ORDER):
            self._strike_at(Step.FIRST_WORD)
            self._strike_soon(Step.WORKING)
        elif kind == EXECUTION:
            self._strike_soon(Step.PARTIALLY_FILLED)

    def asked(self) -> None:
        """A caller is about to place an order."""
        self._strike_soon(Step.RECEIVED)

    async def watch(self, file: Path) -> None:
        """Look at the journal's write-ahead log until cancelled: it grows with each commit."""
        size = -1
        while True:
            if self._step is Step.JOURNALLED:
                now = _size(file)
                if -1 < size < now:
                    self._strike_at(Step.JOURNALLED)
                size = now
                await asyncio.sleep(0.0003)
            else:
                size = -1
                await asyncio.sleep(0.01)

    def strike(self) -> None:
        """Now, whatever the step."""
        if self._step is not None:
            self._step = None
            self._kill()
            self.struck.set()

    def _strike_at(self, step: Step) -> None:
        if self._step is step:
            self.strike()

    def _strike_soon(self, step: Step) -> None:
        """Within the few milliseconds that what has begun takes."""
        if self._step is step:
            asyncio.get_running_loop().call_later(self._chance.random() * 0.006, self._strike_at, step)


def _size(file: Path) -> int:
    """-1 while there is none."""
    try:
        return file.stat().st_size
    except OSError:
        return -1


def _named(frame: bytes) -> tuple[str, str]:
    """The message's number behind its length, and the field behind that, which is an order id where there is one."""
    kind, _, rest = frame[4:].partition(b"\0")
    return kind.decode(errors="replace"), rest.partition(b"\0")[0].decode(errors="replace")


def _nobody() -> None:
    """No trap is set."""
