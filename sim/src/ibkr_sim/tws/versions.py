"""Server versions at which the text protocol of TWS changes."""

from __future__ import annotations

LOWEST = 157
"""Every client in use starts here or below."""
HIGHEST = 178
"""The last version whose layouts this door speaks."""

CONTRACT_SIZE_RULES = 164
"""Contract details lose their version and size multiplier and gain three size rules."""
ADVANCED_REJECT = 166
"""Errors carry advancedOrderRejectJson."""
MANUAL_ORDER_TIME = 169
PEG_BEST_AND_MID = 170
ZONED_TIMES = 174
"""Times of day name their zone."""
ISSUER_ID = 176
PENDING_PRICE_REVISION = 178
