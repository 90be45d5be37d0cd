"""IBKR's bulletins: numbered as they are issued, kept for a day, told to whoever listens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from zoneinfo import ZoneInfo


class BulletinKind(Enum):
    """As the wire numbers them (TWS API: "IB Bulletins")."""

    NEWS = 1
    EXCHANGE_DOWN = 2
    EXCHANGE_UP = 3


@dataclass(frozen=True, slots=True)
class Bulletin:
    id: int
    kind: BulletinKind
    text: str
    exchange: str
    """Where it comes from; empty where it concerns none."""
    time: datetime


class Bulletins:
    """Shared by all clients; a client listens once at most."""

    def __init__(self, zone: str) -> None:
        """`zone` says when a day ends."""
        self._zone = ZoneInfo(zone)
        self._issued: list[Bulletin] = []
        self._last = 0
        self._listeners: dict[int, Callable[[Bulletin], None]] = {}

    def issue(self, kind: BulletinKind, text: str, exchange: str, now: datetime) -> Bulletin:
        """Tell everybody who listens. Ids rise, also from day to day."""
        self._last += 1
        bulletin = Bulletin(self._last, kind, text, exchange, now)
        self._issued = [*self.today(now), bulletin]
        for tell in tuple(self._listeners.values()):
            tell(bulletin)
        return bulletin

    def today(self, now: datetime) -> Sequence[Bulletin]:
        """Oldest first."""
        return [bulletin for bulletin in self._issued if self._date(bulletin.time) == self._date(now)]

    def listen(self, client_id: int, tell: Callable[[Bulletin], None]) -> None:
        self._listeners[client_id] = tell

    def leave(self, client_id: int) -> None:
        """The client has heard enough, or has gone."""
        self._listeners.pop(client_id, None)

    def _date(self, moment: datetime) -> date:
        return moment.astimezone(self._zone).date()
