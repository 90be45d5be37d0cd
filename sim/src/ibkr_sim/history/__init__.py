"""What both doors need to tell of the past: the intervals of bars, and ticks over trading days."""
