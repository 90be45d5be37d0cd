"""Paths to what looks at the market or at an account as a whole."""
