"""One client's running profit and loss, about once a second."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ibkr_sim.exchange.port import Market
from ibkr_sim.tws.answers import accounts as answers
from ibkr_sim.tws.outlet import Outlet

PACE: Final = timedelta(seconds=1)


@dataclass(slots=True)
class _Line:
    account: str
    conid: int | None = None
    shown: bytes = b""
    """The last message sent, so that what has not changed is not repeated."""


class PnlFeed:
    def __init__(self, market: Market, outlet: Outlet) -> None:
        self._market = market
        self._outlet = outlet
        self._due = market.now()
        self._totals: dict[int, _Line] = {}
        self._singles: dict[int, _Line] = {}

    def open(self, request_id: int, account: str) -> None:
        line = self._totals[request_id] = _Line(account)
        self._show(line, self._total(request_id, line))

    def open_single(self, request_id: int, account: str, conid: int) -> bool:
        """False when the account has no such position."""
        line = _Line(account, conid)
        message = self._single(request_id, line)
        if not message:
            return False
        self._singles[request_id] = line
        self._show(line, message)
        return True

    def close(self, request_id: int) -> bool:
        return self._totals.pop(request_id, None) is not None

    def close_single(self, request_id: int) -> bool:
        return self._singles.pop(request_id, None) is not None

    def refresh(self, now: datetime) -> None:
        """Tell what has changed, at most once per second of simulated time."""
        if now >= self._due:
            self._due = now + PACE
            self.push()

    def push(self) -> None:
        for request_id, line in self._totals.items():
            self._show(line, self._total(request_id, line))
        for request_id, line in self._singles.items():
            self._show(line, self._single(request_id, line))

    def _total(self, request_id: int, line: _Line) -> bytes:
        return answers.pnl(self._outlet.version, request_id, self._market.pnl(line.account))

    def _single(self, request_id: int, line: _Line) -> bytes:
        position = self._market.position(line.account, line.conid or 0)
        return b"" if position is None else answers.pnl_single(self._outlet.version, request_id, position)

    def _show(self, line: _Line, message: bytes) -> None:
        if message and message != line.shown:
            line.shown = message
            self._outlet.send(message)
