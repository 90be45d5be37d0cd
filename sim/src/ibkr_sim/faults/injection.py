"""A fault that has been ordered: what, when, how often, for whom; and what has become of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

from ibkr_sim.faults.fault import Fault
from ibkr_sim.faults.moments import Moment
from ibkr_sim.faults.options import chosen
from ibkr_sim.faults.ports import Client
from ibkr_sim.faults.trigger import Trigger, Watch


@dataclass(frozen=True, slots=True)
class FaultOrder:
    """As it is asked for, over HTTP, in a file or on the command line."""

    name: str
    on: str = "now"
    options: Mapping[str, object] = field(default_factory=dict)
    times: int | None = None
    """How often it strikes, 0 without bound. If not given: once, but without bound by chance and daily."""
    seed: int = 1
    client: str | None = None
    """The only client that it may concern."""


class Injection:
    """Keeps one fault's count. `armed` is how often it has struck and has not acted yet."""

    def __init__(self, number: int, order: FaultOrder, fault: Fault, trigger: Trigger, random: Random) -> None:
        times = order.times if order.times is not None else 0 if trigger.endless else 1
        self.number, self.order, self.fault, self.trigger = number, order, fault, trigger
        self.random = random
        self.strikes: list[datetime] = []
        self.ending = False
        self._watch = Watch(trigger, times, random)
        self._armed = 0

    @property
    def active(self) -> bool:
        """Whether it has struck at least once, and has not been cleared."""
        return bool(self.strikes) and not self.ending

    @property
    def spent(self) -> bool:
        """Whether it has struck as often as it may."""
        return self._watch.spent

    def concerns(self, client: Client | None) -> bool:
        return self.order.client is None or (client is not None and client.name == self.order.client)

    def notice(self, now: datetime, moment: Moment, client: Client | None, subject: str = "", amount: int = 1) -> None:
        """Count what has happened; begin, or be armed, when that was what it waited for."""
        if self.ending or not self._watch.notice(moment, subject, amount):
            return
        self.strikes.append(now)
        if self.fault.own_moment() is None:
            self.fault.begin(client)
        else:
            self._armed += 1

    def fire(self, moment: Moment) -> bool:
        """Whether it is to act at this moment, which is its own."""
        if not self._armed or self.ending or self.fault.own_moment() is not moment:
            return False
        self._armed -= 1
        return True

    def shown(self) -> dict[str, Any]:
        return {
            "id": self.number,
            "name": self.order.name,
            "trigger": self.order.on,
            "options": chosen(self.fault),
            "seed": self.order.seed,
            "client": self.order.client,
            "struck": len(self.strikes),
            "strikes": [moment.isoformat() for moment in self.strikes[-100:]],
            "waiting": not self.spent or bool(self._armed),
        }
