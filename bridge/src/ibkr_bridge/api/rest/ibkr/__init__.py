"""/api/ibkr: the routes of a trading bot's backend."""
