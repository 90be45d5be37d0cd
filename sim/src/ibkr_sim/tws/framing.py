"""Length-prefixed frames, and the handshake that precedes them."""

from __future__ import annotations

import asyncio
import re
import struct
from dataclasses import dataclass
from typing import Final

PREFIX: Final = b"API\0"
LARGEST_FRAME: Final = 1 << 20
"""Bytes; a client's longest order is a few thousand."""

_LENGTH: Final = struct.Struct(">I")
_HELLO: Final = re.compile(rb"v(\d{1,4})(?:\.\.(\d{1,4}))?(?: (.{0,200}))?", re.DOTALL)


class FrameTooLong(Exception):
    """A client announced more bytes than any request needs."""


@dataclass(frozen=True, slots=True)
class Hello:
    """The range of server versions a client offers, and its connect options."""

    lowest: int
    highest: int
    options: str = ""


def frame(payload: bytes) -> bytes:
    return _LENGTH.pack(len(payload)) + payload


async def read_frame(reader: asyncio.StreamReader, patience: float) -> bytes:
    """One payload. A started frame must be complete within `patience` seconds; the wait for it may be long.

    Raises FrameTooLong, TimeoutError, and asyncio.IncompleteReadError when the peer leaves.
    """
    (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
    if length > LARGEST_FRAME:
        raise FrameTooLong(f"a frame of {length} bytes")
    async with asyncio.timeout(patience):
        return await reader.readexactly(length)


def parse_hello(payload: bytes) -> Hello | None:
    """Read `v157..178` or `v157`, with connect options after a blank; None when it is neither."""
    match = _HELLO.fullmatch(payload.rstrip(b"\0"))
    if match is None:
        return None
    lowest = int(match[1])
    options = (match[3] or b"").decode("ascii", "replace")
    return Hello(lowest, int(match[2] or lowest), options)


def agree(hello: Hello, lowest: int, cap: int) -> int | None:
    """The version both sides speak, the highest one; None when the ranges do not meet."""
    version = min(hello.highest, cap)
    return version if version >= max(hello.lowest, lowest) else None
