"""Where a client's messages go, and which version it reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from ibkr_sim.tws.answers.session import error


@dataclass(frozen=True, slots=True)
class Outlet:
    version: int
    send: Callable[[bytes], None]
    """Takes one frame and returns at once; never raises, also after the client has left."""
    now: Callable[[], datetime]
    lots: bool = False
    """Whether an old client is told sizes of US stocks in lots."""

    def error(self, request_id: int, code: int, text: str) -> None:
        self.send(error(self.version, request_id, code, text, self.now()))
