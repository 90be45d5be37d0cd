"""Paths to what IBKR keeps for a user."""
