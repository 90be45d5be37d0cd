"""Faults of getting in and staying in: held client ids, restarts, a second factor, a gateway that hangs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import ClassVar

from ibkr_sim.faults.fault import SYSTEM, TWS, Fault, tws_clients
from ibkr_sim.faults.moments import Admission, HttpAnswer, Request
from ibkr_sim.faults.ports import Client, Door, Message

PORT_RESET = 1300


@dataclass(eq=False)
class ClientIdHeld(Fault):
    """326 and the socket closes, so many times in a row, though nobody else uses the client id.

    So after an unclean drop (`--on leave`: for the id that left) or a restart (ib_insync#376, nautilus_trader#3796).
    ib_async reports it as a connection that timed out.
    """

    doors: ClassVar[frozenset[Door]] = TWS

    tries: int = 3
    _left: dict[str | None, int] = field(default_factory=dict, init=False)

    def begin(self, client: Client | None) -> None:
        self._left[None if client is None else client.name] = self.tries

    def entering(self, client: Client) -> Admission:
        name = client.name if client.name in self._left else None
        if self._left.get(name, 0) <= 0:
            return Admission.ADMIT
        self._left[name] -= 1
        return Admission.ID_IN_USE


@dataclass(eq=False)
class NightlyRestart(Fault):
    """Every socket closes, the port refuses for a while, then all is back but the subscriptions; orders live on.

    As every night, or behind a relay: connections are accepted and dropped (ib-gateway-docker#34, #77). Each client
    that was connected then hears 326 so many `tries` first (nautilus_trader#3796). At the Web API's door nobody has
    the brokerage session afterwards.
    """

    everybody: ClassVar[bool] = True
    seconds: Decimal = Decimal(90)
    real: bool = False
    relay: bool = False
    tries: int = 1
    _down: bool = field(default=False, init=False)
    _left: dict[str, int] = field(default_factory=dict, init=False)

    def begin(self, client: Client | None) -> None:
        self._down = True
        self._left = {one.name: self.tries for one in self.stage.clients}
        for gate in self.stage.gates:
            if not self.relay:
                gate.shut()
            gate.part()
        self.stage.after(self.seconds, self._come_back, real=self.real)

    def arriving(self) -> Admission:
        return Admission.CLOSE if self._down else Admission.ADMIT

    def entering(self, client: Client) -> Admission:
        if self._left.get(client.name, 0) <= 0:
            return Admission.ADMIT
        self._left[client.name] -= 1
        return Admission.ID_IN_USE

    def end(self) -> None:
        self._left = {}
        self._come_back()

    def _come_back(self) -> None:
        if self._down:
            self._down = False
            self.stage.reopen()


@dataclass(eq=False)
class PortReset(Fault):
    """1300: the API's port has been changed in TWS; every connection there ends, and has to be made anew.

    The notice names `port`, with 0 the door's own; the door itself stays where it is.
    """

    everybody: ClassVar[bool] = True
    doors: ClassVar[frozenset[Door]] = TWS
    port: int = 0

    def begin(self, client: Client | None) -> None:
        for one in tws_clients(self.stage):
            text = (
                "TWS socket port has been reset and this connection is being dropped. "
                f"Please reconnect on the new port - {self.port or one.port}"
            )
            self.stage.say(one, SYSTEM, PORT_RESET, text)
            one.cut()


@dataclass(eq=False)
class SecondFactor(Fault):
    """After a restart the door greets, but startApi gets no answer until somebody confirms: until it is cleared.

    So every Sunday night (LEAN IB#246, ib_insync#703): health is accounts and next id, not a TCP connection. At the
    Web API's door everything is 401 meanwhile.
    """

    everybody: ClassVar[bool] = True

    def begin(self, client: Client | None) -> None:
        for gate in self.stage.gates:
            gate.part()

    def entering(self, client: Client) -> Admission:
        return Admission.WAIT

    def instead(self, request: Request) -> HttpAnswer | None:
        return HttpAnswer({"error": "not authenticated", "statusCode": 401}, 401)


@dataclass(eq=False)
class GatewayHangs(Fault):
    """Connections are accepted and nothing is answered any more; on clearing it goes on where it stood.

    What was sent meanwhile, orders too, is handled then (stoqey/ibkr#133: only a restart helped).
    """

    _messages: list[tuple[Client, Message]] = field(default_factory=list, init=False)
    _requests: list[Request] = field(default_factory=list, init=False)

    def arriving(self) -> Admission:
        return Admission.WAIT

    def entering(self, client: Client) -> Admission:
        return Admission.WAIT

    def asked(self, request: Request) -> bool:
        self._requests.append(request)
        return False

    def leaving(self, client: Client, message: Message) -> Iterable[Message]:
        self._messages.append((client, message))
        return ()

    def end(self) -> None:
        for client, message in self._messages:
            self.stage.pass_on(client, message)
        for request in self._requests:
            self.stage.resume(request)
