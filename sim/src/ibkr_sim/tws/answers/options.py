"""Messages about options: what is listed, and what one is worth."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from ibkr_sim.exchange.listing.contracts import Listing
from ibkr_sim.tws.fields import FieldWriter

CUSTOM: Final = 53


@dataclass(frozen=True, slots=True)
class OptionFigures:
    """Volatility and delta as fractions."""

    volatility: Decimal
    delta: Decimal
    price: Decimal
    gamma: Decimal
    vega: Decimal
    theta: Decimal
    underlying: Decimal


def option_parameters(version: int, request_id: int, exchange: str, listing: Listing) -> bytes:
    writer = FieldWriter(75, version).add(request_id, exchange, listing.underlying, listing.trading_class)
    writer.add(listing.multiplier, len(listing.expiries), *(f"{day:%Y%m%d}" for day in listing.expiries))
    return writer.add(len(listing.strikes), *listing.strikes).frame()


def option_parameters_end(version: int, request_id: int) -> bytes:
    return FieldWriter(76, version).add(request_id).frame()


def delta_neutral_validation(version: int, request_id: int, conid: int, delta: Decimal, price: Decimal) -> bytes:
    """The hedge that a request for quotes is locked to until it is cancelled."""
    return FieldWriter(56, version).add(1, request_id, conid, delta, price).frame()


def tick_option_computation(version: int, request_id: int, kind: int, figures: OptionFigures) -> bytes:
    """`kind` 53 answers a calculation. By price, not by return; no dividend is known here."""
    writer = FieldWriter(21, version).add(request_id, kind, 1, figures.volatility, figures.delta, figures.price, 0)
    return writer.add(figures.gamma, figures.vega, figures.theta, figures.underlying).frame()
