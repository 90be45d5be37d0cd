"""Faults between the gateway and IBKR: the link, a second login, a wrong clock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import ClassVar, Final

from ibkr_sim.faults.fault import SYSTEM, TWS, Fault, Stage
from ibkr_sim.faults.kinds.bars import end_live_bars
from ibkr_sim.faults.kinds.farms import FARMS_OK, renew_quotes
from ibkr_sim.faults.moments import Ask, Request
from ibkr_sim.faults.ports import Client, Door, Kind, Message

LOST, RESTORED_DATA_LOST, RESTORED, BROKEN = 1100, 1101, 1102, 2110
COMPETING = 10197
TEXTS: Final = {
    LOST: "Connectivity between IBKR and Trader Workstation has been lost.",
    BROKEN: "Connectivity between Trader Workstation and server is broken. It will be restored automatically.",
    RESTORED_DATA_LOST: "Connectivity between IBKR and Trader Workstation has been restored - data lost.",
    RESTORED: "Connectivity between IBKR and Trader Workstation has been restored - data maintained. "
    "All data farms are connected: usfarm; ushmds; secdefnj.",
}
ABOUT_ORDERS: Final = frozenset({Kind.ORDER, Kind.STATUS, Kind.EXECUTION, Kind.COMMISSION, Kind.ACCOUNT, Kind.ANSWER})


@dataclass(eq=False)
class LinkLost(Fault):
    """1100 to everybody: the socket stays, prices stop, orders go on at IBKR and nobody hears of it.

    Requests and reports wait until link_restored, link_restored_data_lost, clearing, or so many simulated seconds
    (0: no end). An order sent meanwhile waits in the gateway. At the Web API's door every request hangs, and
    WebSockets stay open and silent, as behind IBKR's gateway program, which waits without end for its upstream. Bars
    that were kept up to date end (10182).
    """

    everybody: ClassVar[bool] = True
    code: ClassVar[int] = LOST
    seconds: Decimal = Decimal(0)
    data_lost: bool = False
    _messages: list[tuple[Client, Message]] = field(default_factory=list, init=False)
    _requests: list[Request] = field(default_factory=list, init=False)

    def begin(self, client: Client | None) -> None:
        say_to_all(self.stage, self.code)
        end_live_bars(self.stage)
        if self.seconds:
            self.stage.after(self.seconds, lambda: self.stage.finish(self))

    def asked(self, request: Request) -> bool:
        if request.ask is Ask.LOCAL:
            return True
        self._requests.append(request)
        return False

    def leaving(self, client: Client, message: Message) -> Iterable[Message]:
        if message.code in FARMS_OK:
            # Whoever connects meanwhile must not be told that all is well.
            lost = client.notice(SYSTEM, self.code, TEXTS[self.code]) if message.code == FARMS_OK[0] else None
            return () if lost is None else (lost,)
        if message.kind in (Kind.QUOTE, Kind.HEARTBEAT):
            return ()
        if message.kind in ABOUT_ORDERS or (message.kind is Kind.NOTICE and message.order_id != SYSTEM):
            self._messages.append((client, message))
            return ()
        return (message,)

    def end(self) -> None:
        restore(self.stage, data_lost=self.data_lost)
        for client, message in self._messages:
            self.stage.pass_on(client, message)
        renew_quotes(self.stage)
        for request in self._requests:
            self.stage.resume(request)


@dataclass(eq=False)
class ServerLinkBroken(LinkLost):
    """2110 to everybody, and otherwise as link_lost: the gateway tries by itself, and 1102 or 1101 tells of the end."""

    code: ClassVar[int] = BROKEN


def say_to_all(stage: Stage, code: int) -> None:
    for client in stage.clients:
        stage.say(client, SYSTEM, code, TEXTS[code])


def restore(stage: Stage, *, data_lost: bool) -> None:
    for client in stage.clients:
        if data_lost:
            client.forget_quotes()
    say_to_all(stage, RESTORED_DATA_LOST if data_lost else RESTORED)


@dataclass(eq=False)
class LinkRestored(Fault):
    """1102: the link is back, data maintained; what link_lost has held back follows."""

    everybody: ClassVar[bool] = True
    lost: ClassVar[bool] = False

    def begin(self, client: Client | None) -> None:
        ended = self.stage.others(LinkLost)
        for fault in ended:
            fault.data_lost = self.lost
            self.stage.finish(fault)
        if not ended:
            restore(self.stage, data_lost=self.lost)


@dataclass(eq=False)
class LinkRestoredDataLost(LinkRestored):
    """1101: the link is back, data lost: every quote subscription is gone until it is asked for again.

    ib_async and ib_insync do nothing about it (ib_insync#256, IBC#143).
    """

    lost: ClassVar[bool] = True


@dataclass(eq=False)
class CompetingSession(Fault):
    """10197 on every quote, also on new ones: the user has logged in elsewhere; prices return when it is cleared.

    The subscription stays open and delivers nothing (nautilus_trader#4949, LEAN IB#140). The Web API's door has
    `competing` for it.
    """

    doors: ClassVar[frozenset[Door]] = TWS

    def begin(self, client: Client | None) -> None:
        for one in self.stage.clients:
            for request_id in one.quote_requests():
                self._tell(one, request_id)

    def asked(self, request: Request) -> bool:
        if request.ask is Ask.QUOTE and request.request_id is not None:
            self._tell(request.client, request.request_id)
        return True

    def leaving(self, client: Client, message: Message) -> Iterable[Message]:
        return () if message.kind is Kind.QUOTE else (message,)

    def end(self) -> None:
        renew_quotes(self.stage)

    def _tell(self, client: Client, request_id: int) -> None:
        self.stage.say(client, request_id, COMPETING, "No market data during competing live session")


@dataclass(eq=False)
class ClockSkew(Fault):
    """IBKR's clock is wrong by so many seconds, in its answer to the time and in execution times.

    At the Web API's door in heartbeats too, and OAuth's timestamps are then compared with the wrong clock.
    """

    seconds: Decimal = Decimal(60)

    def skew(self) -> timedelta:
        return timedelta(seconds=float(self.seconds))
