"""Server versions at which the text protocol of TWS changes."""

from __future__ import annotations

LOWEST = 157
"""Every client in use starts here or below."""
HIGHEST = 200
"""The last version whose messages are text alone."""

SIZES_IN_SHARES = 159
"""Sizes of US stocks are in shares, and no longer in lots of a hundred."""
FRACTIONAL_SIZES = 163
"""Sizes may be fractions."""
CONTRACT_SIZE_RULES = 164
"""Contract details lose their version and size multiplier and gain three size rules."""
SCHEDULES = 165
"""Historical data may be sessions instead of bars."""
ADVANCED_REJECT = 166
"""Errors carry advancedOrderRejectJson."""
MANUAL_ORDER_TIME = 169
PEG_BEST_AND_MID = 170
ZONED_TIMES = 174
"""Times of day name their zone."""
ISSUER_ID = 176
NO_PROFILES = 177
"""An advisor's profiles are groups of their own kind."""
PENDING_PRICE_REVISION = 178
LAST_TRADE_DATE = 182
"""Contract details name the last trading day beside the contract month."""
FUND_DETAILS = 179
INELIGIBILITY_REASONS = 186
BOND_HOURS = 188
ERROR_TIME = 194
"""Errors lose their version and gain a time."""
HISTORY_END = 196
"""The span of historical data comes in a message of its own."""
SUBMITTER = 198
"""Executions name who sent the order."""
