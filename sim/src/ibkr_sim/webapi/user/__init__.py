"""What IBKR keeps for a user beyond any session: alerts, watchlists, notices."""
