"""The one connection that the parts of this door share: who may send, and when."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from ib_async.client import Client

from ibkr_bridge.domain.errors import BrokerAway, BrokerBusy
from ibkr_bridge.upstream.pacing import Lane, Pacer
from ibkr_bridge.upstream.tws.requests import Requests


@dataclass(frozen=True, slots=True)
class TwsSettings:
    """Where the gateway is and how patient we are; times in seconds."""

    host: str = "127.0.0.1"
    port: int = 4002
    client_id: int = 42
    connect_timeout: float = 10.0
    request_timeout: float = 10.0
    keepalive: float = 15.0
    """Silence after which the gateway is asked for the time."""
    market_data_type: int = 3
    """IBKR's number: 1 live, 2 frozen, 3 delayed where live is not subscribed, 4 delayed and frozen."""
    retry_first: float = 0.5
    retry_most: float = 30.0


class Wire:
    def __init__(self, settings: TwsSettings, pacer: Pacer) -> None:
        self.settings = settings
        self.requests = Requests()
        self._pacer = pacer
        self._client: Client | None = None
        self._highest = 0
        self.losses = 0
        """How often everything subscribed to was lost: it is to be asked for again."""

    def attach(self, client: Client) -> None:
        self._client = client
        self.losses += 1
        client.updateReqId(self._highest + 1)

    def detach(self, why: str) -> None:
        """Everybody who waits for an answer is told at once."""
        self._client = None
        self.requests.fail_all(BrokerAway(why))

    @property
    def ready(self) -> bool:
        return self._client is not None and self._client.isReady()

    @property
    def client(self) -> Client:
        """Raises BrokerAway without a connection that is ready for requests."""
        if self._client is None or not self._client.isReady():
            raise BrokerAway("There is no connection to TWS or IB Gateway.")
        return self._client

    def used(self, order_id: int) -> None:
        """IBKR takes no order id at or below one that this client id has used (message 103).

        Nor do we give one again that IBKR may never have seen: a change or a cancel under it would meet another order.
        """
        self._highest = max(self._highest, order_id)
        if self._client is not None:
            self._client.updateReqId(order_id + 1)

    async def turn(self, lane: Lane, *, patient: bool = False) -> Client:
        """A client that may send one message now: send it before the next await. Raises BrokerAway, BrokerBusy.

        Who is `patient` waits for as long as others come first, since what he has to send must be sent.
        """
        try:
            async with asyncio.timeout(None if patient else self.settings.request_timeout):
                await self._pacer.turn(lane)
        except TimeoutError:
            raise BrokerBusy("IBKR's message budget is used up; nothing was sent.") from None
        return self.client
