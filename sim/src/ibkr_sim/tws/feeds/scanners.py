"""One client's scanner subscriptions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ibkr_sim.exchange.model import Contract
from ibkr_sim.exchange.port import Market
from ibkr_sim.reference.scanning import Scan, found
from ibkr_sim.tws.answers.scanners import scanner_data
from ibkr_sim.tws.outlet import Outlet

PACE: Final = timedelta(seconds=30)
"""Simulated time between two scans."""


@dataclass(slots=True)
class _Subscription:
    scan: Scan
    rows: int
    due: datetime
    shown: list[Contract] | None = None


class ScannerFeed:
    def __init__(self, market: Market, outlet: Outlet) -> None:
        self._market, self._outlet = market, outlet
        self._subscriptions: dict[int, _Subscription] = {}

    def __len__(self) -> int:
        return len(self._subscriptions)

    def __contains__(self, request_id: int) -> bool:
        return request_id in self._subscriptions

    def open(self, request_id: int, scan: Scan, rows: int) -> int:
        """Tell what is found, and again whenever that has changed; how many there are now."""
        subscription = self._subscriptions[request_id] = _Subscription(scan, rows, self._market.now())
        return self._tell(request_id, subscription)

    def close(self, request_id: int) -> bool:
        """False when there is no such subscription."""
        return self._subscriptions.pop(request_id, None) is not None

    def refresh(self, now: datetime) -> None:
        for request_id, subscription in self._subscriptions.items():
            if subscription.due <= now:
                self._tell(request_id, subscription)

    def _tell(self, request_id: int, subscription: _Subscription) -> int:
        subscription.due = self._market.now() + PACE
        contracts = [contract for contract, _figure in found(self._market, subscription.scan)][: subscription.rows]
        if contracts != subscription.shown:
            subscription.shown = contracts
            self._outlet.send(scanner_data(self._outlet.version, request_id, contracts))
        return len(contracts)
