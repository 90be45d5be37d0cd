"""A WebSocket as faults see it: what its frames are about, in both directions."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, Final, Protocol

from ibkr_sim.faults.moments import Ask, Request
from ibkr_sim.faults.ports import Kind, Message

_QUOTES: Final = ("smd", "sbd")
_KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        **dict.fromkeys(_QUOTES, Kind.QUOTE),
        "sor": Kind.ORDER,
        "str": Kind.EXECUTION,
        **dict.fromkeys(("spl", "ssd", "sld"), Kind.ACCOUNT),
        **dict.fromkeys(("system", "tic", "ech"), Kind.HEARTBEAT),
    }
)
_NAMELESS: Final = "message"
"""What triggers call a frame without a topic."""
_SESSION: Final = "session"
"""What they call a message that names a session."""


class Wire(Protocol):
    """A connection's own side."""

    @property
    def name(self) -> str: ...

    @property
    def gone(self) -> bool: ...

    def put(self, frame: bytes) -> None: ...

    def abort(self) -> None: ...

    def end_topics(self, pattern: str) -> None: ...

    def renew_quotes(self) -> None: ...


class Guest:
    """Stands from the upgrade until the connection ends."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._answering = False

    @property
    def name(self) -> str:
        return self._wire.name

    @property
    def gone(self) -> bool:
        return self._wire.gone

    @contextmanager
    def answering(self) -> Iterator[None]:
        """What leaves meanwhile answers a request; it is not told as it happens."""
        self._answering = True
        try:
            yield
        finally:
            self._answering = False

    def request(self, text: str, proceed: Callable[[], None]) -> Request:
        """A message before it is obeyed."""
        topic = _SESSION if text.lstrip().startswith("{") else text.partition("+")[0].strip()[:40] or _NAMELESS
        ask = Ask.QUOTE if topic == "smd" else Ask.OTHER
        return Request(self, -1, ask, None, proceed, topic=topic)

    def deliver(self, frame: bytes) -> None:
        self._wire.put(frame)

    def cut(self, piece: bytes = b"") -> None:  # noqa: ARG002  half a frame is no frame to a WebSocket client
        self._wire.abort()

    def describe(self, frame: bytes) -> Message:
        told = json.loads(frame)
        topic = str(told.get("topic") or _NAMELESS)
        kind = _KINDS.get(topic[:3] if topic != "system" else topic, Kind.OTHER)
        rows = told.get("args")
        row = rows[0] if isinstance(rows, list) and len(rows) == 1 else {}
        if topic == "sor":
            return Message(kind, frame, perm_id=row.get("orderId"), topic=topic)
        return _execution(row, frame, asked=self._answering) if topic == "str" else Message(kind, frame, topic=topic)

    def notice(self, _request_id: int, _code: int, _text: str) -> None:
        """This door has no notices."""

    def quote_requests(self) -> Sequence[int]:
        return ()

    def forget_quotes(self) -> None:
        for topic in _QUOTES:
            self._wire.end_topics(topic)

    def renew_quotes(self) -> None:
        self._wire.renew_quotes()


def _execution(row: Mapping[str, Any], frame: bytes, *, asked: bool) -> Message:
    """Of one trade: told with its commission the second time. A list of several is about nothing in particular."""
    if not row:
        return Message(Kind.OTHER, frame, topic="str")
    kind = Kind.COMMISSION if "commission" in row else Kind.EXECUTION
    return Message(kind, frame, None, row["order_id"], row["execution_id"], asked=asked, topic="str")
