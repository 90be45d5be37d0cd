"""The form of every fault, and what it may use."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import ClassVar, Final, Protocol, TypeVar

from ibkr_sim.exchange.model import Order, OrderRequest
from ibkr_sim.exchange.port import Market
from ibkr_sim.faults.moments import Admission, HttpAnswer, Moment, Reply, Request, Snapshot
from ibkr_sim.faults.ports import Backstage, Client, Door, Gate, Message, Portal, TwsClient

SYSTEM = -1
"""The id of a notice that is about nothing in particular."""

BOTH: Final = frozenset(Door)
TWS: Final = frozenset({Door.TWS})
WEBAPI: Final = frozenset({Door.WEBAPI})
"""Doors that a fault concerns."""

Row = TypeVar("Row")
FaultType = TypeVar("FaultType", bound="Fault")


class Stage(Protocol):
    """What a fault may use: the market, the clients that concern it, a clock, chance."""

    @property
    def market(self) -> Market: ...
    @property
    def backstage(self) -> Backstage: ...
    @property
    def random(self) -> Random: ...
    @property
    def gates(self) -> Sequence[Gate]: ...
    @property
    def portal(self) -> Portal:
        """Of the Web API's door, which is open. Raises RuntimeError where it is not."""

    @property
    def only(self) -> str | None:
        """The name of the only client that the fault concerns."""

    @property
    def clients(self) -> Sequence[Client]:
        """Those connected whom the fault concerns."""

    def say(self, client: Client, request_id: int, code: int, text: str) -> None:
        """Tell of a code, where the client's door has codes."""

    def pass_on(self, client: Client, message: Message) -> None:
        """Let a message go that `leaving` has kept; nothing if the client is gone."""

    def resume(self, request: Request) -> None:
        """Let a request go on that `asked` has kept; nothing if the client is gone."""

    def after(self, seconds: Decimal, call: Callable[[], None], *, real: bool = False) -> None:
        """Call later, in simulated or in real time; never once the fault has been cleared."""

    def reopen(self) -> None:
        """Have every gate opened again, at once; also while the fault is being cleared."""

    def others(self, kind: type[FaultType]) -> Sequence[FaultType]: ...

    def finish(self, fault: Fault) -> None:
        """Clear this fault, or another."""


def tws_clients(stage: Stage) -> Sequence[TwsClient]:
    """Those of the TWS door whom a fault concerns."""
    return [client for client in stage.clients if isinstance(client, TwsClient)]


@dataclass(eq=False)
class Fault:
    """A fault's fields are its options. At every moment it does nothing, unless it says otherwise.

    One that acts on a moment of its own waits for it once its trigger has struck; any other begins at once.
    """

    acts_on: ClassVar[Moment | None] = None
    everybody: ClassVar[bool] = False
    """By its nature it cannot be one client's."""
    doors: ClassVar[frozenset[Door]] = BOTH
    """Where clients notice it."""
    binary: ClassVar[bool] = False
    """Whether WebSockets speak in binary frames meanwhile."""

    stage: Stage = field(init=False, repr=False)

    def own_moment(self) -> Moment | None:
        return self.acts_on

    def applies(self, snapshot: Snapshot) -> bool:
        """Whether a list of this kind is one it acts on."""
        return bool(snapshot)

    def begin(self, client: Client | None) -> None:
        """The trigger has struck; `client` caused it, where one did."""

    def end(self) -> None:
        """Restore normal service, as far as the fault has taken it away; from here on no moment passes it."""

    def arriving(self) -> Admission:
        """Somebody knocks who has not said who he is."""
        return Admission.ADMIT

    def entering(self, client: Client) -> Admission:
        """A client has named itself and is not let in yet."""
        return Admission.ADMIT

    def left(self, client: Client) -> None: ...

    def asked(self, request: Request) -> bool:
        """False keeps the request, to resume or to forget it."""
        return True

    def minds(self, request: Request) -> bool:
        """Whether a request over HTTP is one it acts on."""
        return True

    def requested(self, request: Request) -> None:
        """Acts on a request over HTTP, before anybody may keep it."""

    def instead(self, request: Request) -> HttpAnswer | None:
        """What a request over HTTP is told in place of being handled."""
        return None

    def answering(self, request: Request, answer: HttpAnswer) -> HttpAnswer:
        """What a request that has been handled is told instead of its answer."""
        return answer

    def replying(self, reply: Reply) -> None:
        """Acts on an answer to a question. Raises Overruled, and the question is gone."""

    def replied(self, reply: Reply) -> None:
        """Any question is being answered."""

    def leaving(self, client: Client, message: Message) -> Iterable[Message]:
        """What leaves instead of the message."""
        return (message,)

    def placing(self, client: Client, request: OrderRequest) -> bool:
        """Acts on an order before the exchange has it; True sets it aside there. Raises Rejected, Vanished."""
        return False

    def placed(self, client: Client, request: OrderRequest, order: Order | None) -> None:
        """After any order was placed; None when the exchange has refused it."""

    def modifying(self, client: Client, perm_id: int, request: OrderRequest) -> Order | None:
        """Acts on a change; an order here stands instead of the one changed. Raises Rejected, Vanished."""
        return None

    def cancelling(self, client: Client, order: Order) -> None:
        """Acts on a cancel. Raises Rejected, Vanished."""

    def executing(self, client: Client, message: Message) -> None:
        """Acts on an execution that is about to be told."""

    def listing(self, client: Client, snapshot: Snapshot, rows: Sequence[Row]) -> tuple[Sequence[Row], bool]:
        """Acts on a list: what is told of it, and whether its end is."""
        return rows, True

    def visible(self, client: Client, snapshot: Snapshot, rows: Sequence[Row]) -> Sequence[Row]:
        """What of any list exists as far as IBKR tells."""
        return rows

    def skew(self) -> timedelta:
        """By how much IBKR's clock is wrong."""
        return timedelta(0)
