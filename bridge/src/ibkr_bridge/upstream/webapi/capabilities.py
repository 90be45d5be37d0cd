"""What the Web API's door can do through this service, and what it cannot, with the reason."""

from __future__ import annotations

from typing import Final

from ibkr_bridge.ports.upstream import Capabilities
from ibkr_bridge.upstream.webapi.tickets import TYPES

_SUPPORTED: Final = frozenset(
    {
        "account.summary",
        "account.positions",
        "account.pnl",
        "contract.search",
        "executions",
        "market.depth",
        "market.options",
        "market.scanner",
        "market.search",
        "market.quote",
        "market.stream",
        "market.history",
        "market.bars",
        "market.regulatory_snapshot",
        "order.place",
        "order.change",
        "order.cancel",
        "order.preview",
        "order.question",
        "order.combo",
        "order.all_or_none",
        "order.algo",
        *(f"order.type.{kind}" for kind in TYPES),
        *(f"order.tif.{time}" for time in ("DAY", "GTC", "IOC", "OPG")),
    }
)
NO_TICKS: Final = "IBKR's Web API has no single ticks; TWS and IB Gateway have."
NO_MODEL: Final = "IBKR's Web API reckons no option from given figures; TWS and IB Gateway do."
NO_NEWS: Final = "IBKR's Web API has no news; TWS and IB Gateway have."
CANCEL_EVERYTHING: Final = "The Web API cancels order by order, and knows no order of another user name."
_MISSING: Final = {
    "order.cancel_everything": CANCEL_EVERYTHING,
    "market.option_model": NO_MODEL,
    "market.ticks": NO_TICKS,
    "news": NO_NEWS,
    "order.type.PEG_MID": "The Web API names no such order type.",
    "order.tif.GTD": "The Web API has no field for the day.",
    "order.tif.FOK": "The Web API names no such time in force.",
    "order.oca": "The Web API takes a group in one request only, not order by order.",
    **dict.fromkeys(
        (
            *("order.good_after", "order.display_qty", "order.min_qty", "order.hidden"),
            *("order.conditions", "order.adjust"),
        ),
        "The Web API has no field for it.",
    ),
}


def capabilities(*, signed: bool) -> Capabilities:
    """`signed` says whether requests are signed with OAuth, or a gateway holds the login."""
    missing = dict(_MISSING)
    if not signed:
        missing["oauth"] = "The gateway holds the login: set IBKR_SERVICE_USE_OAUTH to sign requests instead."
    supported = _SUPPORTED | {"oauth"} if signed else _SUPPORTED
    return Capabilities(door="webapi", client_id=None, supported=supported, missing=missing)
