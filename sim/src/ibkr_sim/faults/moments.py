"""The moments at which a fault may step in, and what passes by then; every door has the same ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto
from fnmatch import fnmatchcase

from ibkr_sim.faults.ports import Client


class Moment(StrEnum):
    """What a trigger can wait for."""

    NOW = "now"
    TIME = "time"
    BYTES = "bytes"
    """So many bytes have left for a client."""
    MESSAGE = "message"
    """A client has sent a message over its socket, of a given number or topic where one is named."""
    REQUEST = "request"
    """A request has come over HTTP, for a given path where one is named."""
    FRAME = "frame"
    """A frame is about to leave over a WebSocket, of a given topic where one is named."""
    REPLY = "reply"
    """A client has answered a question about an order."""
    ORDER = "order"
    MODIFY = "modify"
    CANCEL = "cancel"
    EXECUTION = "execution"
    """An execution is about to be told as it happens."""
    SNAPSHOT = "snapshot"
    """Open orders, completed orders or executions are about to be listed."""
    ENTER = "enter"
    LEAVE = "leave"


class Admission(Enum):
    """What becomes of somebody who knocks."""

    ADMIT = auto()
    WAIT = auto()
    CLOSE = auto()
    ID_IN_USE = auto()


class Ask(StrEnum):
    """What a client's message asks for, as far as faults tell them apart."""

    ORDER = "order"
    CANCEL = "cancel"
    QUOTE = "quote"
    LOCAL = "local"
    """What the gateway answers by itself: the time, ids, settings."""
    OTHER = "other"


class Snapshot(StrEnum):
    """A list that a client asks for, with an end that can be told."""

    OPEN_ORDERS = "open_orders"
    COMPLETED_ORDERS = "completed_orders"
    EXECUTIONS = "executions"


@dataclass(frozen=True, slots=True)
class Request:
    """A client's message before it is read. `proceed` handles it; it never raises."""

    client: Client
    number: int
    ask: Ask
    request_id: int | None
    proceed: Callable[[], None]
    path: str = ""
    """Of a request over HTTP, without its prefix."""
    topic: str = ""
    """Of a message over a WebSocket."""
    signed: bool = False
    """Whether it is signed with OAuth 1.0a."""
    stall: Callable[[bytes], None] | None = None
    """Of one over HTTP: answers with a piece and nothing more, and leaves the connection open."""

    @property
    def subject(self) -> str:
        """What a trigger names of it."""
        return self.path or self.topic or str(self.number)

    def matches(self, pattern: str) -> bool:
        """Whether it goes over HTTP to such a path, `*` standing for anything."""
        return bool(self.path) and fnmatchcase(self.path, pattern)


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What a request over HTTP is told: a JSON value, or text as it is."""

    content: object
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer to a question about orders.

    `submit` lets the orders go in as if all questions had been answered; it never raises.
    """

    kinds: frozenset[str]
    """The ids of the questions that were asked together."""
    confirmed: bool
    submit: Callable[[], None]


class Overruled(Exception):
    """A request that comes to nothing and is told something else."""

    def __init__(self, answer: HttpAnswer) -> None:
        super().__init__(str(answer.content))
        self.answer = answer


class Vanished(Exception):
    """A request that was read and came to nothing: no answer, no trace."""
