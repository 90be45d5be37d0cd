"""What the Web API's door can do through this service, and what it cannot, with the reason."""

from __future__ import annotations

from typing import Final

from ibkr_bridge.ports.upstream import Capabilities

_SUPPORTED: Final = frozenset(
    {
        "account.summary",
        "account.positions",
        "account.pnl",
        "contract.search",
        "market.quote",
        "market.stream",
        "market.regulatory_snapshot",
        "order.place",
        "order.change",
        "order.cancel",
        "order.preview",
        "order.question",
        "order.type.MARKET",
        "order.type.LIMIT",
        "order.type.STOP",
        "order.type.STOP_LIMIT",
        "order.tif.DAY",
        "order.tif.GTC",
        "order.tif.IOC",
    }
)
CANCEL_EVERYTHING: Final = "The Web API cancels order by order, and knows no order of another user name."
_MISSING: Final = {
    "order.cancel_everything": CANCEL_EVERYTHING,
}


def capabilities(*, signed: bool) -> Capabilities:
    """`signed` says whether requests are signed with OAuth, or a gateway holds the login."""
    missing = dict(_MISSING)
    if not signed:
        missing["oauth"] = "The gateway holds the login: set IBKR_SERVICE_USE_OAUTH to sign requests instead."
    supported = _SUPPORTED | {"oauth"} if signed else _SUPPORTED
    return Capabilities(door="webapi", client_id=None, supported=supported, missing=missing)
