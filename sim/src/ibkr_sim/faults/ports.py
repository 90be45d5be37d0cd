"""What faults ask of a door and of the exchange. Protocols, no code."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Protocol, runtime_checkable

from ibkr_sim.exchange.model import Execution, Order


class Door(StrEnum):
    """Where clients come in."""

    TWS = "tws"
    WEBAPI = "webapi"


class Kind(StrEnum):
    """What a message that leaves is about."""

    ORDER = "order"
    STATUS = "status"
    EXECUTION = "execution"
    COMMISSION = "commission"
    COMPLETED = "completed"
    QUOTE = "quote"
    ACCOUNT = "account"
    NOTICE = "notice"
    HEARTBEAT = "heartbeat"
    ANSWER = "answer"
    """To a request over HTTP."""
    LOCAL = "local"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Message:
    """One message on its way to a client; what it does not name is None or empty."""

    kind: Kind
    frame: bytes
    order_id: int | None = None
    """Of the client's own numbering; a notice's id, -1 for one about nothing in particular."""
    perm_id: int | None = None
    exec_id: str = ""
    code: int | None = None
    """Of a notice."""
    asked: bool = False
    """An execution that answers a request, not one that is told as it happens."""
    topic: str = ""
    """Of a frame of a WebSocket."""


class Client(Protocol):
    """One connection of a client, as its door knows it; at the Web API's door, one request or one WebSocket."""

    @property
    def name(self) -> str:
        """What stays when it reconnects: the client id; at the Web API's door gateway, oauth1 or oauth2."""

    @property
    def gone(self) -> bool: ...

    def deliver(self, frame: bytes) -> None:
        """Put bytes on the wire; nothing if it is gone."""

    def cut(self, piece: bytes = b"") -> None:
        """Send the piece, and what was delivered before it, then end the connection; a WebSocket without the piece."""

    def describe(self, frame: bytes) -> Message: ...

    def notice(self, request_id: int, code: int, text: str) -> Message | None:
        """IBKR's message with a code, -1 as the id where it answers no request; None where the door has no such."""

    def quote_requests(self) -> Sequence[int]:
        """Ids of the quotes that stream to it."""

    def forget_quotes(self) -> None:
        """End every stream of quotes without a word."""

    def renew_quotes(self) -> None:
        """Tell every quote that streams to it anew, in full."""


@runtime_checkable
class TwsClient(Client, Protocol):
    """One of the TWS door, whose streams can end with a word."""

    @property
    def port(self) -> int:
        """Where it has come in."""

    def end_live_bars(self) -> Sequence[int]:
        """End every query of bars that is kept up to date without a word; their ids."""

    def end_real_time_bars(self) -> Sequence[int]:
        """End every stream of real-time bars without a word; their ids."""


class Gate(Protocol):
    """A door's listener."""

    def part(self) -> None:
        """End every connection, also of those who have not said who they are."""

    def shut(self) -> None:
        """Refuse whoever knocks; brokerage sessions end. Nothing if it is shut already."""

    async def open(self) -> None:
        """Listen again, on the same port. Nothing if it is open. Raises OSError when somebody has taken the port."""


class Thin(StrEnum):
    """What answers with less than it knows at first."""

    ORDERS = "orders"
    TRADES = "trades"
    POSITIONS = "positions"
    SNAPSHOT = "snapshot"


class Portal(Protocol):
    """What the Web API's door lets a fault do to sessions and sockets; `name` is a client's, None for every one's."""

    def log_in(self) -> None:
        """As if the gateway's login page had been filled in. Nothing if somebody is logged in."""

    def log_out(self, name: str | None, *, forgotten: bool = False) -> None:
        """End logins, with what was signed by them; `forgotten`, as if there had never been one."""

    def end_tokens(self, name: str | None) -> None:
        """Make live session tokens and bearers invalid."""

    def drop_brokerage(self, name: str | None) -> None: ...

    def unbridge(self, name: str | None) -> None:
        """Cut sessions off the brokerage session that they go on believing in."""

    def forget_accounts(self, name: str | None) -> None:
        """As if /iserver/accounts had not been asked for."""

    def hold_back(self, *, held: bool) -> None:
        """Keep brokerage sessions, also new ones, from being established."""

    def compete(self) -> None:
        """Somebody else logs in and takes the brokerage session."""

    def end_competition(self) -> None:
        """That one leaves again, if it is still there; its brokerage session is nobody's then."""

    def make_thin(self, name: str | None, what: Thin) -> None:
        """As if this had not been asked for."""

    def end_topics(self, name: str | None, pattern: str) -> None:
        """End topics of WebSockets without a word; `smd` stands for every one that begins so."""

    def close_sockets(self, name: str | None, code: int) -> None:
        """Close WebSockets, after what was handed over, with a close code."""


class Backstage(Protocol):
    """What the exchange lets a fault do to orders; it really happens there."""

    def aside(self) -> AbstractContextManager[None]:
        """Orders placed meanwhile are live, but trade with nobody until `release`."""

    def release(self, perm_id: int) -> Order | None: ...

    def fill(self, perm_id: int) -> Order | None:
        """Fill the rest of a working order; None when it has ended."""

    def correct(self, exec_id: str, *, price: Decimal, shares: Decimal) -> Execution | None:
        """Book an execution anew under the next correction number. Raises ValueError."""

    def bust(self, exec_id: str) -> Execution | None:
        """Undo an execution under the next correction number, with its commission."""
