"""What every topic is: something that hears the market and speaks when it has to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ibkr_sim.exchange.model import Event
from ibkr_sim.faults.visit import Visit
from ibkr_sim.webapi.house import House
from ibkr_sim.webapi.ordering.tradebook import Trade
from ibkr_sim.webapi.sessions.portal import PortalSession

Message = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Listener:
    """A connection, as topics see it. `tell` returns at once and never raises."""

    house: House
    session: PortalSession
    tell: Callable[[Message], None]
    visit: Visit

    def refuse(self, topic: str, reason: str = "unable to subscribe", code: int = 500) -> None:
        self.tell({"error": reason, "code": code, "topic": topic})


class Topic(Protocol):
    """`begin` is called once; then every event and, several times a second, every beat."""

    def begin(self) -> None: ...

    def hear(self, event: Event, trade: Trade | None) -> None:
        """`trade` is what the event has told of a trade, if anything."""

    def beat(self, moment: float) -> bool:
        """`moment` counts real seconds. False ends the topic."""
