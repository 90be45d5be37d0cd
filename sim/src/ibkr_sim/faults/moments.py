"""The moments at which a fault may step in, and what passes by then; every door has the same ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, StrEnum, auto

from ibkr_sim.faults.ports import Client


class Moment(StrEnum):
    """What a trigger can wait for."""

    NOW = "now"
    TIME = "time"
    BYTES = "bytes"
    """So many bytes have left for a client."""
    MESSAGE = "message"
    """A client has sent a message, of a given number where one is named."""
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


class Vanished(Exception):
    """A request that was read and came to nothing: no answer, no trace."""
