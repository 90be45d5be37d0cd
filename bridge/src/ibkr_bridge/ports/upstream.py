"""A way to IBKR, as the engine sees it: one screen that every door can fill."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from ibkr_bridge.domain.account import AccountSummary, Pnl, Position
from ibkr_bridge.domain.contract import Contract, ContractQuery
from ibkr_bridge.domain.errors import BrokerRefused, BrokerSilent
from ibkr_bridge.domain.events import Commissioned, Executed, Reported, Warned
from ibkr_bridge.domain.order import BrokerIds, BrokerOrder, Order, Preview
from ibkr_bridge.domain.questions import Decide
from ibkr_bridge.domain.quote import Quote
from ibkr_bridge.domain.session import Session
from ibkr_bridge.domain.terms import Terms
from ibkr_bridge.ports.history import HistorySource
from ibkr_bridge.ports.research import Research


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a door can do; what it cannot comes with the reason, and is answered 501."""

    door: str
    client_id: int | None
    supported: frozenset[str]
    missing: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class OrderReported:
    """The broker's word on one order, ours or not. `terms` as the broker holds them, where it said."""

    report: Reported
    account: str | None = None
    contract: Contract | None = None
    terms: Terms | None = None


class MessageKind(StrEnum):
    NOTE = "note"
    """The order lives on, or ends by a report of its own."""
    REFUSED = "refused"
    """What was last asked, a new order or a change, is declined."""
    CANCEL_REFUSED = "cancel_refused"


@dataclass(frozen=True, slots=True)
class OrderMessage:
    """A message of the broker about an order; alone it never moves one."""

    broker: BrokerIds
    kind: MessageKind
    message: Warned


@dataclass(frozen=True, slots=True)
class SessionChanged:
    session: Session


@dataclass(frozen=True, slots=True)
class QuoteChanged:
    quote: Quote


@dataclass(frozen=True, slots=True)
class QuoteFailed:
    """The broker will not deliver this contract's data."""

    conid: int
    ibkr_code: int
    text: str
    passing: bool = False
    """The line lives: the door sets it right by itself, and nothing is to be asked again."""


@dataclass(frozen=True, slots=True)
class PositionChanged:
    position: Position


@dataclass(frozen=True, slots=True)
class PositionsComplete:
    """Every position of every account has now been told: what was not named is flat."""

    shows: datetime
    """What had been executed up to this moment is in them; what came later may be."""


@dataclass(frozen=True, slots=True)
class PnlChanged:
    pnl: Pnl


UpstreamEvent = (
    OrderReported
    | OrderMessage
    | Executed
    | Commissioned
    | SessionChanged
    | QuoteChanged
    | QuoteFailed
    | PositionChanged
    | PositionsComplete
    | PnlChanged
)
Listener = Callable[[UpstreamEvent], None]

Permit = Callable[[], None]
"""Asked when an order's turn has come, right before its first byte leaves, and again before each yes to a question of
the broker: raises GuardDenied where the house has changed its mind since."""


Admission = Callable[[tuple[str, ...], tuple[str, int]], Awaitable[None]]
"""Given the accounts and our end of the connection: raises WorldMismatch when this is not the far end we want."""


@dataclass(frozen=True, slots=True)
class BrokerState:
    """One look at every order the broker still shows, for reconciliation; `complete` says that no part is missing."""

    asked_at: datetime
    """What was sent after this moment may be missing from it."""
    open: Sequence[OrderReported]
    completed: Sequence[OrderReported]
    executions: Sequence[Executed]
    complete: bool


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """What IBKR's Web API answered to one call, whatever its status; `body` byte for byte."""

    status: int
    body: bytes
    content_type: str


Word = BrokerIds | BrokerRefused | BrokerSilent
"""What the broker said of one order of several: taken, refused, or nothing that can be read."""


class Upstream(Protocol):
    """Calls raise BrokerAway (nothing was sent), BrokerSilent (no answer in time) or BrokerRefused."""

    @property
    def capabilities(self) -> Capabilities: ...

    @property
    def session(self) -> Session: ...

    @property
    def research(self) -> Research: ...

    @property
    def history(self) -> HistorySource: ...

    async def run(self, listener: Listener) -> None:
        """Connect, keep alive and reconnect until cancelled; tell `listener` everything, in order."""

    def remember(self, orders: Sequence[Order]) -> None:
        """Orders of an earlier life that may still live: none of their numbers may be given to another order."""

    def renew(self, reason: str) -> None:
        """End the connection and make a new one."""

    async def place(self, order: Order, reference: str, decide: Decide, permit: Permit) -> BrokerIds:
        """Send once. Raises BrokerAway, and what `permit` raises, only when certainly nothing left or nothing is live;
        after that, events tell the rest.

        Each question of the broker is put to `decide`, without an await between. Raises QuestionAsked when one was
        declined: then nothing is live. Raises BrokerRefused where the answer itself is a definite refusal, and
        BrokerSilent when a byte may have left and no answer came.
        """

    async def place_all(
        self, orders: Sequence[Order], references: Sequence[str], decide: Decide, permit: Permit
    ) -> Sequence[Word]:
        """A parent and its children, or a group, sent at once, and a word on each. Raises as `place`, of all."""

    async def modify(self, order: Order, terms: Terms, decide: Decide, permit: Permit) -> None:
        """Raises as `place` does; the order stays as it was."""

    async def cancel(self, order: Order, theirs: BrokerOrder | None = None) -> None:
        """Cancel the newest order behind ours, or that one.

        Raises BrokerRefused for another client's, NotHeardOf for one without a number.
        """

    async def cancel_everything(self) -> None:
        """Cancel every order of the user, whoever placed it."""

    async def preview(self, account: str, contract: Contract, terms: Terms) -> Preview: ...

    async def broker_state(self) -> BrokerState: ...

    async def contracts(self, query: ContractQuery) -> Sequence[Contract]:
        """Every contract that fits; none is an empty answer."""

    async def open_quote(self, contract: Contract) -> None:
        """Begin to deliver QuoteChanged; the door keeps the line over reconnects."""

    async def close_quote(self, conid: int) -> None: ...

    async def account_summary(self, account: str) -> AccountSummary: ...

    async def refresh_positions(self) -> None:
        """Ask for every position, and return when all have been told. Raises BrokerAway, BrokerSilent.

        A door that is told of each change by itself may give up in silence: what it has told is true all the same.
        """

    async def raw(self, method: str, path: str, query: Mapping[str, str], body: object) -> RawAnswer:
        """One call of IBKR's Web API, `path` below /v1/api; a GET whose answer is thin at first is asked again.

        Raises NotSupported at a door without one.
        """

    async def handshake(self) -> float:
        """Ask the broker for its time; seconds the answer took."""
