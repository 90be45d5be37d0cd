"""Faults of the Web API's WebSocket: topics and sockets that fall silent, close, or change their frames."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar

from ibkr_sim.faults.fault import WEBAPI, Fault
from ibkr_sim.faults.moments import Admission, Request
from ibkr_sim.faults.ports import Client, Door, Message


@dataclass(eq=False)
class TopicEnds(Fault):
    """A topic ends without a word, and comes back only when it is subscribed to anew; `smd` means every contract's.

    Market data topics end after fifteen minutes by design since 2026 (ibind#145); others have been seen to.
    """

    doors: ClassVar[frozenset[Door]] = WEBAPI
    topic: str = "smd"

    def begin(self, client: Client | None) -> None:
        self.stage.portal.end_topics(self.stage.only, self.topic)


@dataclass(eq=False)
class SilentOrders(Fault):
    """The topic `sor` is accepted and never speaks; `str` and the others do.

    So on a gateway of build 10.46, for weeks; on another one 17 of 20 subscriptions were refused instead.
    """

    doors: ClassVar[frozenset[Door]] = WEBAPI

    def leaving(self, client: Client, message: Message) -> Iterable[Message]:
        return () if message.topic == "sor" else (message,)


@dataclass(eq=False)
class SocketBinary(Fault):
    """Every frame comes as a binary one, as through IBKR's gateway program; the content is the same."""

    doors: ClassVar[frozenset[Door]] = WEBAPI
    binary: ClassVar[bool] = True


@dataclass(eq=False)
class SocketDrops(Fault):
    """WebSockets are closed with code 1000, and so are the next ones, as many as `tries` says, right after they open.

    The gateway program closes so when a frame is too large, and IBKR when the cookie's session is gone.
    """

    doors: ClassVar[frozenset[Door]] = WEBAPI
    code: int = 1000
    tries: int = 0
    _left: int = field(default=0, init=False)

    def begin(self, client: Client | None) -> None:
        self._left = self.tries
        self.stage.portal.close_sockets(self.stage.only, self.code)

    def entering(self, client: Client) -> Admission:
        if self._left <= 0:
            return Admission.ADMIT
        self._left -= 1
        return Admission.CLOSE


@dataclass(eq=False)
class SocketDeaf(Fault):
    """WebSockets open, answer pings and say nothing, whatever they are told: liveness is in the data alone.

    The gateway program's socket stays so when it cannot reach its upstream. What is lost meanwhile does not come back.
    """

    doors: ClassVar[frozenset[Door]] = WEBAPI

    def asked(self, request: Request) -> bool:
        return not request.topic

    def leaving(self, client: Client, message: Message) -> Iterable[Message]:
        return () if message.topic else (message,)
