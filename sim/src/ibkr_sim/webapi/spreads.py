"""Combinations as the Web API writes them: `28812380;;;265598/1,272093/-1` (Web API: "Combo / Spread Orders")."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from ibkr_sim.exchange.model import Contract, Rejected
from ibkr_sim.exchange.port import Market
from ibkr_sim.exchange.terms import ComboLeg
from ibkr_sim.webapi.answers import plain_refusal, refusal

CONIDS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "USD": 28812380,
        "AUD": 61227077,
        "CAD": 61227082,
        "CHF": 61227087,
        "CNH": 136000441,
        "GBP": 58666491,
        "HKD": 61227072,
        "INR": 136000444,
        "JPY": 61227069,
        "KRW": 136000424,
        "MXN": 136000449,
        "SEK": 136000429,
        "SGD": 426116555,
    }
)
"""The contract that stands for every combination in a currency; none is named for EUR."""
_CURRENCIES: Final[Mapping[int, str]] = MappingProxyType({conid: currency for currency, conid in CONIDS.items()})
_WHOLE: Final = re.compile(r"(?P<conid>\d{1,10})(?:@(?P<exchange>\w+))?;;;(?P<legs>.+)")
_LEG: Final = re.compile(r"(?P<conid>\d{1,10})(?:@(?P<exchange>\w+))?/(?P<ratio>[+-]?\d{1,6})")


@dataclass(frozen=True, slots=True)
class Spread:
    currency: str
    exchange: str
    legs: tuple[ComboLeg, ...]


def parse_spread(text: str) -> Spread | None:
    """None for what names a single contract. Raises Refused (400)."""
    if ";;;" not in text:
        return None
    whole = _WHOLE.fullmatch(text)
    currency = _CURRENCIES.get(int(whole["conid"])) if whole else None
    if whole is None or currency is None:
        raise refusal(400, "Bad Request: conidex is not valid")
    exchange = whole["exchange"] or "SMART"
    return Spread(currency, exchange, tuple(_leg(part, exchange) for part in whole["legs"].split(",")))


def _leg(text: str, exchange: str) -> ComboLeg:
    """The ratio's sign says whether the leg is bought or sold by who buys the combination."""
    found = _LEG.fullmatch(text.strip())
    if found is None or not int(found["ratio"]):
        raise refusal(400, "Bad Request: conidex is not valid")
    ratio = int(found["ratio"])
    return ComboLeg(int(found["conid"]), abs(ratio), "BUY" if ratio > 0 else "SELL", found["exchange"] or exchange)


def combination(market: Market, spread: Spread) -> Contract:
    """Raises Refused for legs that make no combination."""
    try:
        found = market.combination("", spread.currency, spread.legs)
    except Rejected as rejection:
        raise plain_refusal(200, rejection.text) from None
    first = market.contract(spread.legs[0].conid)
    if first is not None and first.currency != spread.currency:
        raise plain_refusal(200, "Cross currency combo error.")
    return found


def shown_conid(contract: Contract) -> int:
    """A combination goes under its currency's conid; several share it."""
    return CONIDS.get(contract.currency, contract.conid) if contract.legs else contract.conid


def conidex(contract: Contract) -> str:
    legs = ",".join(f"{leg.conid}/{leg.signed_ratio}" for leg in contract.legs)
    return f"{shown_conid(contract)};;;{legs}" if legs else str(contract.conid)
