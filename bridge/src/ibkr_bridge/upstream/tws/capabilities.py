"""What the TWS door can do through this service, and what it cannot, with the reason."""

from __future__ import annotations

from ibkr_bridge.ports.upstream import Capabilities

_SUPPORTED = frozenset(
    {
        "account.summary",
        "account.positions",
        "account.pnl",
        "contract.search",
        "market.quote",
        "market.stream",
        "order.place",
        "order.change",
        "order.cancel",
        "order.preview",
        "order.type.MARKET",
        "order.type.LIMIT",
        "order.type.STOP",
        "order.type.STOP_LIMIT",
        "order.tif.DAY",
        "order.tif.GTC",
        "order.tif.IOC",
    }
)
_MISSING = {
    "order.question": "TWS confirms its own warnings (gateway setting 'Bypass Order Precautions for API Orders').",
    "market.regulatory_snapshot": "TWS and IB Gateway do not speak the Web API, which GET /md/regsnapshot belongs to.",
    "oauth": "TWS and IB Gateway are logged in on their own screen.",
}


def capabilities(client_id: int) -> Capabilities:
    return Capabilities(door="tws", client_id=client_id, supported=_SUPPORTED, missing=_MISSING)
