"""The topic `str`: an empty frame, what has happened, then every execution more than once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ibkr_sim.exchange.model import Event
from ibkr_sim.webapi.ordering.tradebook import Trade
from ibkr_sim.webapi.resources.accounts import chosen_accounts
from ibkr_sim.webapi.resources.monitoring import listed_trades, told_trades
from ibkr_sim.webapi.streams.topic import Listener


class Trades:
    """`days` of trades are told again at the beginning; 0 for none."""

    def __init__(self, listener: Listener, days: int) -> None:
        self._listener, self._days = listener, days
        self._repeats = listener.house.unsettled.trades_sent

    def begin(self) -> None:
        self._listener.tell({"topic": "str", "args": []})
        if self._days:
            house = self._listener.house
            known = listed_trades(self._listener.visit, house.trades.trades(house.market.now(), self._days))
            if self._repeats > 1:
                self._tell([replace(trade, commission=None) for trade in known])
            for _time in range(max(self._repeats - 1, 1)):
                self._tell(known)

    def hear(self, _event: Event, trade: Trade | None) -> None:
        if trade is None:
            return
        if trade.commission is None:
            if self._repeats > 1:
                self._tell([trade])
            return
        for _time in range(max(self._repeats - 1, 1)):
            self._tell([trade])

    def beat(self, _moment: float) -> bool:
        return True

    def _tell(self, trades: Sequence[Trade]) -> None:
        house = self._listener.house
        rows = told_trades(house, trades, chosen_accounts(house, self._listener.session))
        if rows:
            self._listener.tell({"topic": "str", "args": rows})
