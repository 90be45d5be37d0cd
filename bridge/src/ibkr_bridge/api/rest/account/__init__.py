"""Summaries, positions, profit and loss."""
