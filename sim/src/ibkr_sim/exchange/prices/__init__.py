"""Price paths, and the bars, ticks and records that come of them."""
