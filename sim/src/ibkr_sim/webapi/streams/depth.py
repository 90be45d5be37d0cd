"""The topic `sbd`: the price ladder whole at first, then the rows that have changed."""

from __future__ import annotations

from ibkr_sim.exchange.model import Contract, Event, OrderChanged, QuoteChanged
from ibkr_sim.webapi.ordering.tradebook import Trade
from ibkr_sim.webapi.streams.ladders import LEVELS, Ladder, Row, changed
from ibkr_sim.webapi.streams.topic import Listener


class PriceLadder:
    """The street's levels and between them the clients' orders (Web API: "BookTrader (Price Ladder)")."""

    def __init__(self, listener: Listener, name: str, contract: Contract) -> None:
        self._listener, self._topic, self._contract = listener, name, contract
        self._ladder = Ladder(contract)
        self._told: list[Row] = []
        self._stirred = False
        self._next = 0.0

    def begin(self) -> None:
        self._tell()

    def hear(self, event: Event, _trade: Trade | None) -> None:
        match event:
            case QuoteChanged(quote=quote):
                stirred = quote.conid == self._contract.conid
            case OrderChanged(order=order):
                stirred = order.request.conid == self._contract.conid
            case _:
                stirred = False
        self._stirred = self._stirred or stirred

    def renew(self) -> None:
        """Tell every row anew at the next beat."""
        self._told, self._stirred = [], True

    def beat(self, moment: float) -> bool:
        if self._stirred and moment >= self._next:
            self._next = moment + self._listener.house.settings.cadence
            self._tell()
        return True

    def _tell(self) -> None:
        self._stirred = False
        market, conid = self._listener.house.market, self._contract.conid
        quote = market.quote(conid)
        rows = self._ladder.rows(market.depth(conid, LEVELS), quote)
        news, self._told = changed(self._told, rows), rows
        if news:
            self._listener.tell({"topic": self._topic, "data": news})
