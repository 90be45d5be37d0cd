"""What every request at this door shares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from ibkr_sim.exchange.port import Market
from ibkr_sim.faults.faults import Faults
from ibkr_sim.webapi.oauth.grants import Grants
from ibkr_sim.webapi.oauth.provider import Provider
from ibkr_sim.webapi.ordering.desk import OrderDesk
from ibkr_sim.webapi.ordering.tradebook import TradeBook
from ibkr_sim.webapi.pacing import Pacing
from ibkr_sim.webapi.positions import PositionCache
from ibkr_sim.webapi.sessions.registry import Sessions
from ibkr_sim.webapi.settings import Unsettled, WebApiSettings
from ibkr_sim.webapi.user.belongings import Belongings


@dataclass(frozen=True, slots=True)
class House:
    """`wall` is real time in seconds since the epoch: what clients compare with their own clock follows it."""

    market: Market
    settings: WebApiSettings
    sessions: Sessions
    provider: Provider
    grants: Grants
    orders: OrderDesk
    trades: TradeBook
    pacing: Pacing
    faults: Faults
    wall: Callable[[], float]
    token: Callable[[], str]
    opened: datetime
    positions: PositionCache
    user: Belongings
    tickets: set[str]
    """Of login pages that were filled in and have not come back yet."""

    @property
    def unsettled(self) -> Unsettled:
        return self.settings.unsettled
