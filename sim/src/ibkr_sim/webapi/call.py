"""One request on its way to its handler, and what a path demands of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from multidict import MultiMapping

from ibkr_sim.exchange.model import Contract
from ibkr_sim.exchange.port import Market
from ibkr_sim.faults.visit import Visit
from ibkr_sim.webapi.answers import Answer, refusal
from ibkr_sim.webapi.house import House
from ibkr_sim.webapi.identification import Address
from ibkr_sim.webapi.pacing import Limit
from ibkr_sim.webapi.sessions.portal import PortalSession
from ibkr_sim.webapi.sessions.progress import Progress


class Tier(IntEnum):
    """What a caller must have; each includes those before it."""

    OPEN = -1
    """Nothing; nor is it looked at who asks."""
    NOTHING = 0
    PORTAL = 1
    BROKERAGE = 2
    """An authenticated brokerage session."""
    ACCOUNTS = 3
    """And /iserver/accounts asked for in it."""


@dataclass(frozen=True, slots=True)
class Call:
    """`path` is without its prefix; `address` has it whole.

    `body` is the JSON that was sent, or the members of a form; None without.
    """

    house: House
    method: str
    path: str
    address: Address
    headers: Mapping[str, str]
    cookies: Mapping[str, str]
    arguments: Mapping[str, str]
    query: MultiMapping[str]
    body: Any
    text: str
    """The body as it came."""
    form: bool
    """Whether the body is a form; its members are texts then."""
    visitor: PortalSession | None
    visit: Visit
    """By which orders go to the exchange, and lists come from it."""

    @property
    def session(self) -> PortalSession:
        """Raises Refused (401) for a caller without one."""
        if self.visitor is None:
            raise refusal(401, "not authenticated")
        return self.visitor

    @property
    def progress(self) -> Progress:
        return self.session.progress

    @property
    def market(self) -> Market:
        return self.house.market

    def member(self, name: str) -> Any:
        """A member of the body; None where it is absent, or no body came."""
        return self.body.get(name) if isinstance(self.body, dict) else None

    def flag(self, name: str) -> bool:
        """A member of the query, as clients write it: `true`, `True`, `1`."""
        return self.query.get(name, "").lower() in {"true", "1"}

    def contract(self, text: str) -> Contract | None:
        """Of a conid written as text, `265598` or `265598@SMART`."""
        number = text.partition("@")[0]
        return self.market.contract(int(number)) if number.isdecimal() and len(number) < 12 else None


Handler = Callable[[Call], Any]
"""Gives a JSON value or an Answer. Raises Refused."""


@dataclass(frozen=True, slots=True)
class Route:
    """`handler` answers the methods at the path, which is below /v1/api unless it is absolute."""

    methods: str
    path: str
    handler: Handler
    tier: Tier = Tier.PORTAL
    limit: Limit | None = None
    absolute: bool = False


def answered(value: Any) -> Answer:
    return value if isinstance(value, Answer) else Answer(value)
