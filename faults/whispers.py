"""What a gateway says that is not so, or not meant so: that the link is lost, or that an order has come to grief."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Final, Protocol

from faults.doors import Door
from faults.framing import tws_message, web_message
from ibkr_sim.exchange.model import Order

_MISLEADING: Final = (
    (10349, "Order TIF was set to DAY based on order preset."),
    (399, "Order Message: Warning: your order will not be placed at the exchange until 09:30"),
    (2109, "Order Event Warning: Attribute 'Outside Regular Trading Hours' is ignored"),
    (10148, "OrderId that needs to be cancelled can not be cancelled, state: Submitted."),
)
"""Messages about live orders that other clients take for their end."""


class Whispers(Protocol):
    """As bytes; None where there is nothing to say."""

    def link_lost(self) -> bytes: ...
    def link_back(self) -> bytes: ...
    def misleading(self, order: Order, chance: Random) -> bytes | None: ...


class _Tws:
    def link_lost(self) -> bytes:
        return tws_message(1100, "Connectivity between IBKR and TWS has been lost.")

    def link_back(self) -> bytes:
        return tws_message(1102, "Connectivity between IBKR and TWS has been restored - data maintained.")

    def misleading(self, order: Order, chance: Random) -> bytes | None:
        if not order.request.order_id:
            return None
        code, text = chance.choice(_MISLEADING)
        return tws_message(code, text, order.request.order_id)


class _Web:
    """Of the topics `sts` and `ntf` (Web API, "WebSocket")."""

    def link_lost(self) -> bytes:
        return web_message({"topic": "sts", "args": {"authenticated": False}})

    def link_back(self) -> bytes:
        return web_message({"topic": "sts", "args": {"authenticated": True, "competing": False}})

    def misleading(self, order: Order, chance: Random) -> bytes | None:
        _code, text = chance.choice(_MISLEADING)
        notice = {"id": str(order.perm_id), "title": "Order", "text": text, "orderId": order.perm_id}
        return web_message({"topic": "ntf", "args": [notice]})


WHISPERS: Final[Mapping[Door, Whispers]] = {Door.TWS: _Tws(), Door.WEBAPI: _Web()}
