"""Where a message of the gateway's ends, so that another one may be said between two: for each door its own form."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

_GREETING = b"API\0"
_UPGRADED = b"HTTP/1.1 101 "
_HEAD_ENDS = b"\r\n\r\n"
_TEXT = 0x81
"""The first byte of a whole text frame (RFC 6455, section 5.2)."""


class Framing(Protocol):
    """Of one direction of one connection."""

    @property
    def open(self) -> bool:
        """Whether a message may be said behind the last piece."""

    def take(self, rest: bytearray) -> Iterator[bytes]:
        """Take whole pieces out of what has come."""


Make = Callable[[], Framing]


class Tws:
    """Length-prefixed messages, after a greeting that has no length."""

    open = True

    def take(self, rest: bytearray) -> Iterator[bytes]:
        if rest.startswith(_GREETING):
            yield _taken(rest, len(_GREETING))
        while len(rest) >= 4 and len(rest) >= 4 + (size := int.from_bytes(rest[:4], "big")):
            yield _taken(rest, 4 + size)


class Web:
    """HTTP as it comes; once a WebSocket has been agreed on, whole frames, and only then something may be said."""

    def __init__(self) -> None:
        self.open = False

    def take(self, rest: bytearray) -> Iterator[bytes]:
        if not self.open and rest:
            upgraded = rest.startswith(_UPGRADED) and _HEAD_ENDS in rest
            yield _taken(rest, rest.index(_HEAD_ENDS) + len(_HEAD_ENDS) if upgraded else len(rest))
            self.open = upgraded
        while self.open and (size := _frame_size(rest)) is not None and len(rest) >= size:
            yield _taken(rest, size)


def _frame_size(rest: bytearray) -> int | None:
    """Of an unmasked frame, as servers send them; None while its head has not come (RFC 6455, section 5.2)."""
    if len(rest) < 2:
        return None
    short, extended = rest[1] & 0x7F, {126: 2, 127: 8}.get(rest[1] & 0x7F, 0)
    if len(rest) < 2 + extended:
        return None
    return 2 + extended + (int.from_bytes(rest[2 : 2 + extended], "big") if extended else short)


def tws_message(code: int, text: str, number: int = -1) -> bytes:
    """An error message of server version 166 and later; `number` is an order's, or -1 for the system."""
    payload = f"4\x002\x00{number}\x00{code}\x00{text}\x00\x00".encode()
    return struct.pack(">I", len(payload)) + payload


def web_message(content: Mapping[str, object]) -> bytes:
    """A text frame with JSON in it."""
    payload = json.dumps(content).encode()
    head = (
        struct.pack(">BB", _TEXT, len(payload)) if len(payload) < 126 else struct.pack(">BBH", _TEXT, 126, len(payload))
    )
    return head + payload


def _taken(rest: bytearray, count: int) -> bytes:
    piece = bytes(rest[:count])
    del rest[:count]
    return piece
