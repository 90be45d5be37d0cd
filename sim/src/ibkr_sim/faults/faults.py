"""Every fault that is on order or at work in one simulator."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from functools import partial
from random import Random
from typing import Final

from ibkr_sim.exchange.port import Market
from ibkr_sim.faults.agenda import Agenda
from ibkr_sim.faults.fault import BOTH, TWS, WEBAPI, Fault, FaultType
from ibkr_sim.faults.injection import FaultOrder, Injection
from ibkr_sim.faults.moments import Admission, Moment, Request
from ibkr_sim.faults.options import make
from ibkr_sim.faults.ports import Backstage, Client, Door, Gate, Message, Portal
from ibkr_sim.faults.trigger import InvalidFault, Trigger, parse
from ibkr_sim.faults.visit import Visit

DOOR_NAMES: Final = {Door.TWS: "the TWS door", Door.WEBAPI: "the Web API's door"}
WEB_NAMES: Final = frozenset({"gateway", "oauth1", "oauth2"})
"""What clients of the Web API's door are called; those of the TWS door have numbers."""
WEB_MOMENTS: Final = frozenset({Moment.REQUEST, Moment.REPLY, Moment.FRAME})
BEAT: Final = 0.01
"""Real seconds between two looks at what is due."""


class Faults:
    """Doors tell it of every moment; people and tests inject and clear."""

    def __init__(self, market: Market, backstage: Backstage, doors: Collection[Door] = BOTH) -> None:
        """`doors` are those that open."""
        self.market, self.backstage = market, backstage
        self._doors = frozenset(doors)
        self._agenda = Agenda(market.now, lambda: asyncio.get_running_loop().time())
        self._injections: list[Injection] = []
        self._visits: dict[Client, Visit] = {}
        self._count = 0
        self._stirred = asyncio.Event()
        self._reopening = False
        self.gates: list[Gate] = []
        self.portal: Portal | None = None
        """The Web API's, while its door is open."""

    def inject(
        self,
        name: str,
        on: str = "now",
        *,
        options: Mapping[str, object] | None = None,
        times: int | None = None,
        seed: int = 1,
        client: str | int | None = None,
    ) -> Injection:
        """Order one fault. Raises InvalidFault."""
        only = None if client is None else str(client)
        return self.order(FaultOrder(name, on, dict(options or {}), times, seed, only))

    def order(self, order: FaultOrder) -> Injection:
        """Raises InvalidFault."""
        fault, trigger = self.check(order)
        self._count += 1
        random = Random(f"{order.seed}/{order.name}")  # noqa: S311  a bad day to repeat, not a secret
        injection = Injection(self._count, order, fault, trigger, random)
        fault.stage = _Stage(self, injection)
        self._injections.append(injection)
        self._start(injection, trigger)
        return injection

    def check(self, order: FaultOrder) -> tuple[Fault, Trigger]:
        """What an order asks for. Raises InvalidFault."""
        from ibkr_sim.faults.catalogue import KINDS  # noqa: PLC0415  a simulator starts sooner, and few see a fault

        kind = KINDS.get(order.name)
        if kind is None:
            raise InvalidFault(f"there is no fault {order.name[:60]!r}; there is {', '.join(KINDS)}")
        trigger = parse(order.on)
        self._check_doors(order, kind.doors, trigger)
        if kind.everybody and order.client is not None:
            raise InvalidFault(f"{order.name} concerns every client")
        if order.times is not None and order.times < 0:
            raise InvalidFault("times must be 0 or more")
        return make(kind, order.options), trigger

    def _check_doors(self, order: FaultOrder, doors: frozenset[Door], trigger: Trigger) -> None:
        """Raises InvalidFault for what no client could ever notice."""
        names = " and ".join(DOOR_NAMES[door] for door in sorted(doors))
        if not doors & self._doors:
            raise InvalidFault(f"{order.name} concerns {names} alone, and that is closed")
        if not doors & clients_door(order.client):
            raise InvalidFault(f"{order.name} concerns {names} alone, and {order.client} is no client of it")
        if trigger.moment in WEB_MOMENTS and Door.WEBAPI not in doors & self._doors & clients_door(order.client):
            raise InvalidFault(f"{trigger.moment} happens at the Web API's door alone; it would never strike there")

    def clear(self, name: str | None = None) -> int:
        """End every fault, or those of one name, and restore normal service; how many there were."""
        chosen = [injection for injection in self._injections if name in (None, injection.order.name)]
        for injection in chosen:
            self.remove(injection)
        return len(chosen)

    def remove(self, injection: Injection) -> None:
        """Nothing if it is not there any more."""
        if injection.ending:
            return
        active, injection.ending = injection.active, True
        if active:
            injection.fault.end()
        self._injections.remove(injection)

    @property
    def injections(self) -> Sequence[Injection]:
        return tuple(self._injections)

    async def run(self) -> None:
        """Do what is due, until cancelled."""
        while True:
            if not (self._agenda or self._reopening):
                await self._stirred.wait()
                self._stirred.clear()
            for call in self._agenda.take():
                call()
            if self._reopening:
                await self._reopen()
            await asyncio.sleep(BEAT)

    def arriving(self) -> Admission:
        return _first(row.fault.arriving() for row in self.active(None))

    def entering(self, client: Client) -> Admission:
        return _first(row.fault.entering(client) for row in self.active(client))

    def enter(self, client: Client, *, counts: bool = True) -> Visit:
        """A client has been let in; `Visit.left` ends what this begins. One that does not count is not noticed."""
        visit = self._visits[client] = Visit(self, client, counts=counts)
        if counts:
            self.notice(Moment.ENTER, client)
        return visit

    def leave(self, client: Client, *, counts: bool = True) -> None:
        del self._visits[client]
        for row in self.active(client):
            row.fault.left(client)
        if counts:
            self.notice(Moment.LEAVE, client)

    def skew(self, client: Client | None = None) -> timedelta:
        """By how much IBKR's clock is wrong for this client, or for somebody unknown."""
        return sum((row.fault.skew() for row in self.active(client)), timedelta(0))

    def active(self, client: Client | None) -> list[Injection]:
        """Those that have struck and concern this client, in the order of their injection."""
        return [row for row in self._injections if row.active and row.concerns(client)]

    def notice(self, moment: Moment, client: Client | None, subject: str = "", amount: int = 1) -> None:
        """Tell every trigger what has happened; `subject` is its number, path or topic."""
        for row in tuple(self._injections):
            if row.concerns(client):
                row.notice(self.market.now(), moment, client, subject, amount)

    def fired(
        self,
        moment: Moment,
        client: Client,
        applies: Callable[[Fault], bool] = lambda _fault: True,
        subject: str = "",
    ) -> list[Fault]:
        """Count a moment, and name the faults that act at it."""
        rows = [row for row in self._injections if row.concerns(client) and applies(row.fault)]
        for row in rows:
            row.notice(self.market.now(), moment, client, subject)
        return [row.fault for row in rows if row.fire(moment)]

    def visit(self, client: Client) -> Visit | None:
        """None when it has left."""
        return self._visits.get(client)

    def visitors(self, injection: Injection) -> Sequence[Client]:
        return [client for client in self._visits if injection.concerns(client)]

    def later(self, delay: timedelta, call: Callable[[], None], *, real: bool = False) -> None:
        self._agenda.add(delay, call, real=real)
        self._stirred.set()

    def reopen(self) -> None:
        self._reopening = True
        self._stirred.set()

    async def _reopen(self) -> None:
        """Tried again at the next beat where somebody else has the port for a moment."""
        try:
            for gate in self.gates:
                await gate.open()
        except OSError:
            return
        self._reopening = False

    def _start(self, injection: Injection, trigger: Trigger) -> None:
        if trigger.moment is Moment.NOW:
            injection.notice(self.market.now(), Moment.NOW, None)
        self._wait(injection, trigger)

    def _wait(self, injection: Injection, trigger: Trigger) -> None:
        now = self.market.now()
        if (due := trigger.due(now)) is not None:
            self.later(max(due - now, timedelta(0)), partial(self._strike_on_time, injection, trigger))

    def _strike_on_time(self, injection: Injection, trigger: Trigger) -> None:
        if injection not in self._injections:
            return
        injection.notice(self.market.now(), Moment.TIME, None)
        if trigger.daily is not None and not injection.spent:
            self._wait(injection, trigger)


def clients_door(name: str | None) -> frozenset[Door]:
    """Where a client of that name comes in."""
    return BOTH if name is None else WEBAPI if name in WEB_NAMES else TWS


def _first(verdicts: Iterable[Admission]) -> Admission:
    """The first that does not let in; those behind it are not asked."""
    return next((verdict for verdict in verdicts if verdict is not Admission.ADMIT), Admission.ADMIT)


class _Stage:
    """One fault's view of the simulator."""

    def __init__(self, faults: Faults, injection: Injection) -> None:
        self._faults, self._injection = faults, injection
        self.market, self.backstage, self.random = faults.market, faults.backstage, injection.random

    @property
    def gates(self) -> Sequence[Gate]:
        return tuple(self._faults.gates)

    @property
    def portal(self) -> Portal:
        if self._faults.portal is None:
            raise RuntimeError("the Web API's door is closed")
        return self._faults.portal

    @property
    def only(self) -> str | None:
        return self._injection.order.client

    @property
    def clients(self) -> Sequence[Client]:
        return self._faults.visitors(self._injection)

    def say(self, client: Client, request_id: int, code: int, text: str) -> None:
        message = client.notice(request_id, code, text)
        if message is not None:
            self.pass_on(client, message)

    def pass_on(self, client: Client, message: Message) -> None:
        visit = self._faults.visit(client)
        if visit is not None:
            visit.send_on(message, self._injection)

    def resume(self, request: Request) -> None:
        visit = self._faults.visit(request.client)
        if visit is not None and not request.client.gone:
            visit.ask_on(request, self._injection)

    def after(self, seconds: Decimal, call: Callable[[], None], *, real: bool = False) -> None:
        self._faults.later(timedelta(seconds=float(seconds)), partial(self._call, call), real=real)

    def reopen(self) -> None:
        self._faults.reopen()

    def others(self, kind: type[FaultType]) -> Sequence[FaultType]:
        return [row.fault for row in self._faults.injections if isinstance(row.fault, kind) and row.active]

    def finish(self, fault: Fault) -> None:
        for row in self._faults.injections:
            if row.fault is fault:
                self._faults.remove(row)

    def _call(self, call: Callable[[], None]) -> None:
        if self._injection in self._faults.injections:
            call()
