"""Sizes as a client's server version has them: whole ones at first, and in lots where TWS's settings say so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import ROUND_DOWN, Decimal
from typing import Final

from ibkr_sim.exchange.model import Contract
from ibkr_sim.exchange.prices.bars import Bar
from ibkr_sim.exchange.prices.record import SpreadTick, TradeTick
from ibkr_sim.exchange.trading.depth import Level
from ibkr_sim.tws.fields import decimal_text
from ibkr_sim.tws.outlet import Outlet
from ibkr_sim.tws.versions import FRACTIONAL_SIZES, SIZES_IN_SHARES

TRIMMED: Final = 2176
LOT: Final = 100
_WHOLE: Final = Decimal(1)


class Sizes:
    """Of the data that one request brings. The first fraction that is cut off is told, once (2176)."""

    def __init__(self, outlet: Outlet, request_id: int, contract: Contract) -> None:
        self._outlet, self._request_id = outlet, request_id
        self._whole = self._warns = outlet.version < FRACTIONAL_SIZES
        old = outlet.lots and outlet.version < SIZES_IN_SHARES
        self._lot = LOT if old and contract.sec_type == "STK" and contract.currency == "USD" else 1

    @property
    def exact(self) -> bool:
        """Whether every size is told as it is."""
        return not self._whole

    def told(self, size: Decimal) -> Decimal:
        """As the client reads it."""
        if not self._whole:
            return size
        if self._lot > 1:
            return size // self._lot
        whole = size.quantize(_WHOLE, ROUND_DOWN)
        if whole != size and self._warns:
            self._warns = False
            self._warn(size, whole)
        return whole

    def told_bar(self, bar: Bar) -> Bar:
        return replace(bar, volume=self.told(bar.volume)) if self._whole else bar

    def told_bars(self, rows: Sequence[tuple[str, Bar]], *, traded: bool) -> Sequence[tuple[str, Bar]]:
        """Bars with their dates; those of quotes have no volume."""
        return [(date, self.told_bar(bar)) for date, bar in rows] if self._whole and traded else rows

    def told_levels(self, levels: list[Level]) -> list[Level]:
        return [replace(level, size=self.told(level.size)) for level in levels] if self._whole else levels

    def told_trades(self, ticks: Sequence[TradeTick]) -> Sequence[TradeTick]:
        return [replace(tick, size=self.told(tick.size)) for tick in ticks] if self._whole else ticks

    def told_spreads(self, ticks: Sequence[SpreadTick]) -> Sequence[SpreadTick]:
        if not self._whole:
            return ticks
        return [replace(tick, bid_size=self.told(tick.bid_size), ask_size=self.told(tick.ask_size)) for tick in ticks]

    def _warn(self, size: Decimal, whole: Decimal) -> None:
        text = (
            "Warning: Your API version does not support fractional share size rules. Please upgrade to a minimum "
            f"version {FRACTIONAL_SIZES}. Trimmed value {decimal_text(size)} to {decimal_text(whole)}"
        )
        self._outlet.error(self._request_id, TRIMMED, text)
