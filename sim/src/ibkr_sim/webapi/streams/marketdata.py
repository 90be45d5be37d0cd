"""The topic `smd`: everything at first, but for what must be computed; then that, and what has changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from ibkr_sim.exchange.model import Contract, Event, QuoteChanged
from ibkr_sim.webapi.numbers import milliseconds
from ibkr_sim.webapi.ordering.tradebook import Trade
from ibkr_sim.webapi.resources.marketdata import view as seen
from ibkr_sim.webapi.shapes import snapshot as shapes
from ibkr_sim.webapi.shapes.computed import FIELDS as SLOW
from ibkr_sim.webapi.streams.topic import Listener


class MarketData:
    """Ends after IBKR's time unless it is asked for again; that time is simulated, the pace of frames is real."""

    def __init__(
        self, listener: Listener, name: str, contract: Contract, fields: Sequence[str], server_id: str
    ) -> None:
        self._listener, self._contract, self._fields = listener, contract, fields
        self._topic, self._server_id = name, server_id
        self._told: dict[str, Any] = {}
        self._stirred = True
        self._next = 0.0
        life = listener.house.unsettled.stream_life
        self._until = listener.house.market.now() + life if life > timedelta(0) else None

    def begin(self) -> None:
        self._listener.session.progress.streamed.add(self._contract.conid)
        quick = [name for name in self._fields if name not in SLOW]
        self._tell(quick)
        self._stirred = len(quick) < len(self._fields)

    def hear(self, event: Event, _trade: Trade | None) -> None:
        if isinstance(event, QuoteChanged) and event.quote.conid == self._contract.conid:
            self._stirred = True

    def renew(self) -> None:
        """Tell everything anew at the next beat."""
        self._told, self._stirred = {}, True

    def beat(self, moment: float) -> bool:
        if self._until is not None and self._listener.house.market.now() >= self._until:
            self._listener.session.progress.streamed.discard(self._contract.conid)
            return False
        if self._stirred and moment >= self._next:
            self._next = moment + self._listener.house.settings.cadence
            self._tell(self._fields)
        return True

    def _tell(self, fields: Sequence[str]) -> None:
        self._stirred = False
        view = seen(self._listener.house, self._listener.session, self._contract, fields)
        values = shapes.values(view, fields)
        changed = {field: value for field, value in values.items() if self._told.get(field) != value}
        if not changed and self._told:
            return
        first, self._told = not self._told, values
        conid = self._contract.conid
        availability = shapes.AVAILABILITY[self._listener.house.settings.entitlement]
        self._listener.tell(
            {
                "server_id": self._server_id,
                **({"conidEx": str(conid)} if first else {}),
                "conid": conid,
                "_updated": milliseconds(view.quote.time),
                "6119": self._server_id,
                **shapes.streamed(changed, view),
                **({"6509": availability} if first else {}),
                "topic": self._topic,
            }
        )
