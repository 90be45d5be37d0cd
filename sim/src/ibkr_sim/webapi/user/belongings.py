"""Everything that one user has, and what the market does to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ibkr_sim.exchange.model import Event, Quote, QuoteChanged
from ibkr_sim.exchange.port import Market
from ibkr_sim.webapi.user.alerts import Alert, Alerts
from ibkr_sim.webapi.user.notices import SYSTEM, USER_ALERT, Notice, Notices
from ibkr_sim.webapi.user.watchlists import Watchlists

WELCOME: Final = "This is a SIMULATOR. It is not Interactive Brokers, and no order leaves this machine."


class Belongings:
    def __init__(self, market: Market) -> None:
        self._market = market
        self._listeners: list[Callable[[Notice], None]] = []
        self.alerts = Alerts(market.accounts[0], market.now())
        self.watchlists = Watchlists()
        self.notices = Notices()
        self.notices.add(SYSTEM, "IBKR FYI: SIMULATOR", WELCOME, market.now())

    def on_popup(self, listener: Callable[[Notice], None]) -> None:
        """Call `listener` with every notice that is to pop up."""
        self._listeners.append(listener)

    def hear(self, event: Event) -> None:
        if isinstance(event, QuoteChanged):
            self.look(event.quote.conid)

    def look(self, conid: int | None = None) -> None:
        """Whether the market, or one contract of it, has met an alert."""
        for alert in self.alerts.wake(self._quote, self._market.now(), conid):
            self._tell(alert)

    def _quote(self, conid: int) -> Quote | None:
        return None if self._market.contract(conid) is None else self._market.glance(conid)

    def _tell(self, alert: Alert) -> None:
        notice = self.notices.add(USER_ALERT, f"IBKR FYI: {alert.name}", alert.message, self._market.now())
        for listener in tuple(self._listeners) if alert.pops_up else ():
            listener(notice)
