"""Faults of single requests over HTTP: errors, silence, halves of answers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import ClassVar, Final

from ibkr_sim.faults.fault import WEBAPI, Fault
from ibkr_sim.faults.moments import Ask, HttpAnswer, Moment, Request
from ibkr_sim.faults.ports import Client, Door, Message, Thin

INITIALISE: Final = "/iserver/auth/ssodh/init"
THIN_PATHS: Final = {
    Thin.ORDERS: "/iserver/account/orders",
    Thin.TRADES: "/iserver/account/trades",
    Thin.POSITIONS: "/portfolio/*/positions*",
    Thin.SNAPSHOT: "/iserver/marketdata/snapshot",
}


@dataclass(eq=False)
class Chosen(Fault):
    """What acts on single requests: those that its trigger chooses, to a `path`, where `*` stands for anything."""

    acts_on: ClassVar[Moment | None] = Moment.REQUEST
    doors: ClassVar[frozenset[Door]] = WEBAPI
    path: str = "*"
    _chosen: set[Client] = field(default_factory=set, init=False)

    def minds(self, request: Request) -> bool:
        return request.matches(self.path)

    def requested(self, request: Request) -> None:
        self._chosen.add(request.client)

    def left(self, client: Client) -> None:
        self._chosen.discard(client)


@dataclass(eq=False)
class ErrorInside(Chosen):
    """200 with an error in it and nothing else; nothing has been done.

    IBKR refuses in this form as often as with a status (ibkr-conduit ADR-0003, ADR-0008; ibind). `listed` puts it into
    a list, as an answer to orders sometimes is.
    """

    error: str = "Service temporarily unavailable"
    listed: bool = False

    def instead(self, request: Request) -> HttpAnswer | None:
        if request.client not in self._chosen:
            return None
        told = {"error": self.error}
        return HttpAnswer([told] if self.listed else told)


@dataclass(eq=False)
class EmptyUnavailable(Chosen):
    """503 with an empty body after ten seconds, `x-response-time: 10000ms`; IBKR has handled the request, or has not.

    A timeout behind the gateway (ibeam#38): an order may have been taken. `handled` says whether it was.
    """

    seconds: Decimal = Decimal(10)
    real: bool = False
    handled: bool = True
    _kept: dict[Client, Message] = field(default_factory=dict, init=False)

    def instead(self, request: Request) -> HttpAnswer | None:
        return self._answer() if request.client in self._chosen and not self.handled else None

    def answering(self, request: Request, answer: HttpAnswer) -> HttpAnswer:
        return self._answer() if request.client in self._chosen else answer

    def leaving(self, client: Client, message: Message) -> Iterable[Message]:
        if client not in self._chosen:
            return (message,)
        self._kept[client] = message
        self.stage.after(self.seconds, partial(self._tell, client), real=self.real)
        return ()

    def end(self) -> None:
        for client in tuple(self._kept):
            self._tell(client)

    def _tell(self, client: Client) -> None:
        if client in self._kept:
            self.stage.pass_on(client, self._kept.pop(client))

    def _answer(self) -> HttpAnswer:
        return HttpAnswer("", 503, {"x-response-time": f"{int(self.seconds * 1000)}ms"})


@dataclass(eq=False)
class CutBody(Chosen):
    """The answer's body stops half way: the connection closes, or with `stall` stays open and says nothing more.

    IBKR's gateway program stalls when its upstream drops in the middle of a body. What was asked for has been done.
    """

    stall: bool = False
    _requests: dict[Client, Request] = field(default_factory=dict, init=False)

    def requested(self, request: Request) -> None:
        self._requests[request.client] = request

    def left(self, client: Client) -> None:
        self._requests.pop(client, None)

    def leaving(self, client: Client, message: Message) -> Iterable[Message]:
        request = self._requests.get(client)
        if request is None:
            return (message,)
        half = message.frame[: len(message.frame) // 2]
        if self.stall and request.stall is not None:
            request.stall(half)
        else:
            client.cut(half)
        return ()


@dataclass(eq=False)
class AnswerLate(Chosen):
    """The request is handled so many seconds later, whether or not its caller still waits: an order is taken then.

    An empty `path` means whatever places orders. A POST that has timed out is of unknown outcome (IBKR's OpenAPI on
    503; the gateway program goes on with what its caller has given up).
    """

    path: str = ""
    seconds: Decimal = Decimal(30)
    real: bool = False
    _kept: list[Request] = field(default_factory=list, init=False)

    def minds(self, request: Request) -> bool:
        return request.matches(self.path) if self.path else bool(request.path) and request.ask is Ask.ORDER

    def asked(self, request: Request) -> bool:
        if request.client not in self._chosen:
            return True
        self._kept.append(request)
        self.stage.after(self.seconds, partial(self._proceed, request), real=self.real)
        return False

    def end(self) -> None:
        for request in tuple(self._kept):
            self._proceed(request)

    def _proceed(self, request: Request) -> None:
        if request in self._kept:
            self._kept.remove(request)
            request.proceed()


@dataclass(eq=False)
class Hang(Fault):
    """The gateway never answers requests to this path any more; those that wait when it is cleared are cut off.

    IBKR's gateway program has no timeout: with its upstream gone the caller simply hangs, and no 502 ever comes.
    `handled` says whether IBKR has had the request.
    """

    doors: ClassVar[frozenset[Door]] = WEBAPI
    path: str = "*"
    handled: bool = False
    _waiting: set[Client] = field(default_factory=set, init=False)

    def asked(self, request: Request) -> bool:
        if not request.matches(self.path):
            return True
        self._waiting.add(request.client)
        return self.handled

    def leaving(self, client: Client, message: Message) -> Iterable[Message]:
        return () if client in self._waiting else (message,)

    def left(self, client: Client) -> None:
        self._waiting.discard(client)

    def end(self) -> None:
        for client in tuple(self._waiting):
            client.cut()


@dataclass(eq=False)
class PacedOut(Fault):
    """429 to every request for so many simulated seconds, as in IBKR's penalty box; 0 until cleared.

    Fifteen minutes for whoever breaks a limit, and the address is punished: other tenants of it suffer alike (IBKR,
    "Pacing Limitations").
    """

    doors: ClassVar[frozenset[Door]] = WEBAPI
    seconds: Decimal = Decimal(900)

    def begin(self, client: Client | None) -> None:
        if self.seconds:
            self.stage.after(self.seconds, lambda: self.stage.finish(self))

    def instead(self, request: Request) -> HttpAnswer | None:
        return HttpAnswer({"error": "Too many requests"}, 429)


@dataclass(eq=False)
class ThinAnswer(Fault):
    """Orders, trades, positions or snapshots answer as thinly as at the first call, so many `tries` more.

    The first reads of a session are empty or lack fields, and an empty list with `snapshot:false` does not mean that
    there are no orders (IBKR, "Pre-Flight Requests"; ibind#1, #65, #107; ibkr-conduit ADR-0009).
    """

    doors: ClassVar[frozenset[Door]] = WEBAPI
    of: Thin = Thin.ORDERS
    tries: int = 3
    _left: int = field(default=0, init=False)

    def begin(self, client: Client | None) -> None:
        self._left = self.tries

    def asked(self, request: Request) -> bool:
        if self._left > 0 and request.matches(THIN_PATHS[self.of]):
            self._left -= 1
            self.stage.portal.make_thin(request.client.name, self.of)
        return True
