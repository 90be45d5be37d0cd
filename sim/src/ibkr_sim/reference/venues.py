"""The exchanges behind a smart-routed quote: their letters, their depth, and how a level's size lies on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from ibkr_sim.exchange.listing.contracts import VENUES
from ibkr_sim.exchange.model import Contract
from ibkr_sim.exchange.trading.depth import Level

SMART: Final = "SMART"
_LETTERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "AMEX": "A",
        "BEX": "B",
        "ISE": "I",
        "EDGX": "K",
        "CHX": "M",
        "NYSE": "N",
        "ARCA": "P",
        "NASDAQ": "Q",
        "IEX": "V",
        "CBOE": "W",
        "PHLX": "X",
        "BATS": "Z",
    }
)
"""As the consolidated tape abbreviates them."""
_KEYS: Final = {"USD": "9c0001", "CHF": "a60001", "MXN": "a90001"}
_LOT: Final = 100


def components(key: str) -> Sequence[tuple[int, str, str]] | None:
    """Bit, exchange and letter of every exchange behind a key that a quote named; None for another key."""
    currency = next((currency for currency, known in _KEYS.items() if known == key), None)
    if currency is None:
        return None
    names = [name for name in VENUES[currency] if name != SMART]
    return [(bit, name, _LETTERS.get(name, name[0])) for bit, name in enumerate(names)]


def component_key(contract: Contract) -> str:
    """What a contract's quotes name their exchanges by; empty where only one exchange quotes."""
    return _KEYS.get(contract.currency, "") if SMART in contract.valid_exchanges else ""


def depth_exchanges() -> Sequence[tuple[str, str]]:
    """Exchange and security type of every book that is shown level by level."""
    names = [name for venues in VENUES.values() for name in venues if name != SMART]
    return [*((name, "STK") for name in names), ("IDEALPRO", "CASH")]


def spread_out(contract: Contract, levels: Sequence[Level], most: int) -> list[Level]:
    """Each level as the exchanges that make it up; the street's lots lie on them in turn, from the price on."""
    venues = [name for name in contract.valid_exchanges if name != SMART] or [contract.primary_exchange]
    found: list[Level] = []
    for level in levels:
        if level.exchange:
            found.append(Level(level.price, level.size, _venue(contract, level.exchange)))
        else:
            found += _split(level, venues, int(level.price / contract.min_tick))
    return found[:most]


def _split(level: Level, venues: Sequence[str], start: int) -> list[Level]:
    lots, rest = divmod(level.size, _LOT)
    if len(venues) == 1 or lots < 1:
        return [Level(level.price, level.size, venues[start % len(venues)])]
    share, more = divmod(int(lots), len(venues))
    sizes = [Decimal((share + (place < more)) * _LOT) for place in range(len(venues))]
    sizes[0] += rest
    rows = ((venues[(start + place) % len(venues)], size) for place, size in enumerate(sizes))
    return [Level(level.price, size, name) for name, size in rows if size]


def _venue(contract: Contract, named: str) -> str:
    """Where an order that a client sent lies."""
    return contract.primary_exchange if named == SMART else named
