"""Orders as IBKR's Web API takes them (Web API v1.0, "Place Order"). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.domain.terms import OrderType, Side, Terms
from ibkr_bridge.upstream.webapi import bodies

TYPES: Final[Mapping[OrderType, str]] = {
    OrderType.MARKET: "MKT",
    OrderType.LIMIT: "LMT",
    OrderType.STOP: "STP",
    OrderType.STOP_LIMIT: "STOP_LIMIT",
    OrderType.TRAIL: "TRAIL",
    OrderType.TRAIL_LIMIT: "TRAILLMT",
    OrderType.MARKET_IF_TOUCHED: "MIT",
    OrderType.LIMIT_IF_TOUCHED: "LIT",
    OrderType.MARKET_ON_CLOSE: "MOC",
    OrderType.LIMIT_ON_CLOSE: "LOC",
    OrderType.MIDPRICE: "MIDPRICE",
    OrderType.RELATIVE: "REL",
}


_DECLARED: Final = frozenset({"FUT", "FOP"})


def ticket(contract: Contract, account: str, terms: Terms, reference: str) -> dict[str, Any]:
    """Prices are numbers: IBKR refuses them as text."""
    prices = {name: bodies.number(price) for name, price in _prices(terms).items() if price is not None}
    return {
        "acctId": account,
        **_instructed(contract),
        "secType": f"{contract.conid}:{contract.sec_type}",
        "orderType": TYPES[terms.type],
        "side": str(terms.side),
        "tif": str(terms.tif),
        "quantity": bodies.number(terms.qty),
        "outsideRTH": terms.outside_rth,
        **({"cOID": reference} if reference else {}),
        **prices,
        **_extras(terms),
        **_declared(contract),
    }


def _declared(contract: Contract) -> dict[str, Any]:
    """What US exchanges must be told of orders in futures (CME's rule 536-B): ours are sent by a program."""
    return {"manualIndicator": False} if {part.sec_type for part in contract.parts} & _DECLARED else {}


def _prices(terms: Terms) -> dict[str, Decimal | None]:
    """What awakes an order stands in `price` where it has no limit, and in `auxPrice` beside one."""
    match terms.type:
        case OrderType.STOP | OrderType.TRAIL:
            return {"price": terms.stop}
        case OrderType.MARKET_IF_TOUCHED:  # IBKR does not say which of the two it reads
            return {"price": terms.stop, "auxPrice": terms.stop}
        case OrderType.TRAIL_LIMIT:
            return {"price": _beside(terms), "auxPrice": terms.stop}
        case OrderType.RELATIVE:
            return {"price": terms.limit, "auxPrice": terms.offset}
        case _:
            return {"price": terms.limit, "auxPrice": terms.stop}


def _beside(terms: Terms) -> Decimal | None:
    """The first limit of an order whose limit trails at a distance from its stop."""
    if terms.stop is None or terms.limit_offset is None:
        return None
    return terms.stop + terms.limit_offset if terms.side is Side.BUY else terms.stop - terms.limit_offset


def _extras(terms: Terms) -> dict[str, Any]:
    told: dict[str, Any] = {}
    trail = terms.trail if terms.trail_percent is None else terms.trail_percent
    if trail is not None:
        told |= {"trailingAmt": bodies.number(trail), "trailingType": "amt" if terms.trail_percent is None else "%"}
    if terms.all_or_none:
        told["allOrNone"] = True
    if terms.algo is not None:
        told |= {"strategy": terms.algo.strategy, "strategyParameters": dict(terms.algo.params)}
    return told


def _instructed(contract: Contract) -> dict[str, Any]:
    """A conid goes by SMART; a stock for one exchange alone is named with it, and a combo by its legs."""
    if contract.legs:
        return {"conidex": combo(contract)}
    if contract.sec_type == "STK" and contract.exchange not in ("", "SMART"):
        return {"conidex": f"{contract.conid}@{contract.exchange}"}
    return {"conid": contract.conid}


def combo(contract: Contract) -> str:
    """`28812380;;;265598/1,272093/-1`: a leg that is sold has a ratio below zero (Web API v1.0, "Combo Orders")."""
    ratios = ",".join(f"{leg.contract.conid}/{leg.signed_ratio}" for leg in contract.legs)
    venue = "" if contract.exchange in ("", "SMART") else f"@{contract.exchange}"
    return f"{contract.conid}{venue};;;{ratios}"
