"""Reads the user's own prices, bars and ticks from files."""
