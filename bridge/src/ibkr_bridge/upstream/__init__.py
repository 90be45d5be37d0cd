"""The ways to IBKR; siblings that never meet."""
