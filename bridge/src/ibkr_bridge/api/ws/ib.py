"""/ws/ib: order states, executions, commissions, profit and loss, the books, and the connection to IBKR."""

from __future__ import annotations

from ibkr_bridge.api.ws.messages import connection_changed, event
from ibkr_bridge.api.ws.requests import Ping, checked, opened
from ibkr_bridge.config.settings import ApiSettings
from ibkr_bridge.domain.errors import BridgeError
from ibkr_bridge.engine.engine import Engine
from ibkr_bridge.engine.topics import ORDERS, PNL, RECONCILIATION, SESSION
from ibkr_bridge.hub.subscriber import Subscriber


class IbEvents:
    """What one socket hears of the broker: everything, from the present state of the connection on."""

    def __init__(self, engine: Engine, mailbox: Subscriber, settings: ApiSettings) -> None:
        self._engine = engine
        self._mailbox = mailbox
        self._longest = settings.max_body_bytes

    def begin(self) -> None:
        self._mailbox.push(connection_changed(self._engine.sessions.current))
        for topic in (SESSION, ORDERS, PNL, RECONCILIATION):
            self._mailbox.listen(topic)

    async def hear(self, text: str | bytes) -> None:
        """The only thing to say here is `{"type": "ping"}`."""
        try:
            ping = checked(Ping, opened(text, self._longest))
        except BridgeError as error:
            complaint = {"code": error.code, "detail": error.detail, "advice": error.advice}
            self._mailbox.push(event("error", complaint))
            return
        answer = {} if ping.id is None else {"id": ping.id}
        self._mailbox.push(event("pong", {"timestamp": self._engine.health.view().at, **answer}))
