"""Which kinds of prices a contract has, by its type."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from ibkr_sim.exchange.model import Contract
from ibkr_sim.exchange.prices.tape import INDEX
from ibkr_sim.exchange.prices.ticks import Source

_CURRENCY: Final = "CASH"
_LEAST: Final = timedelta(microseconds=1)


def known_until(contract: Contract, now: datetime) -> datetime:
    """The last moment of which there can be prices: the present, of what has ended the moment before its end."""
    return now if contract.last_trade is None else min(now, contract.last_trade - _LEAST)


def has(contract: Contract, source: Source) -> bool:
    """Nobody reports the trades of currencies; nobody bids for an index, and nobody offers it.

    Of a combination it is not known how its two sides stood to each other over time.
    """
    if source is Source.TRADES:
        return contract.sec_type != _CURRENCY
    return contract.sec_type != INDEX and not (contract.legs and source is Source.BID_ASK)
