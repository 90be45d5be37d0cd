"""What every format can do: begin, tell bars, end; and where it can, say how far it is, or what went wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from ibkr_bridge.domain.bars import Bar

Facts = Mapping[str, object]


class Writer(Protocol):
    """Bytes to send; none is for nothing."""

    @property
    def media_type(self) -> str: ...

    @property
    def streams(self) -> bool:
        """Whether bars leave as they come; else all at the end, under a status that is true of all of them."""

    def begin(self, head: Facts) -> bytes: ...

    def bars(self, bars: Sequence[Bar]) -> bytes: ...

    def progress(self, facts: Facts) -> bytes: ...

    def end(self, tail: Facts) -> bytes: ...

    def failed(self, problem: Facts) -> bytes:
        """The end of what could not be told whole; empty where only a torn transfer can say so."""
