"""Requests for scanners."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ibkr_sim.tws.fields import UNSET, FieldReader

_OWN_FIELDS: Final = (
    *("priceAbove", "priceBelow", "volumeAbove", "marketCapAbove1e6", "marketCapBelow1e6"),
    *("moodyRatingAbove", "moodyRatingBelow", "spRatingAbove", "spRatingBelow"),
    *("maturityDateAbove", "maturityDateBelow", "couponRateAbove", "couponRateBelow"),
)
"""Filters that have a field of their own, by the names that they go by among the others."""


@dataclass(frozen=True, slots=True)
class ScannerSubscription:
    """`filters` by name, as the client wrote their values."""

    request_id: int
    rows: int
    instrument: str
    location: str
    code: str
    filters: tuple[tuple[str, str], ...]


def scanner_subscription(fields: FieldReader) -> ScannerSubscription:
    request_id, rows = fields.integer(), fields.integer(default=-1)
    instrument, location, code = fields.text(), fields.text(), fields.text()
    own = [(name, fields.text()) for name in _OWN_FIELDS]
    # Convertibles, options' volumes, settings and kinds of stocks: nothing of that differs here.
    fields.skip(4)
    pairs = (pair.partition("=") for pair in fields.text().split(";") if pair)
    filters = [(name, value) for name, value in own if value not in UNSET]
    filters += [(name, value) for name, _equals, value in pairs]
    return ScannerSubscription(request_id, rows, instrument, location, code, tuple(filters))
