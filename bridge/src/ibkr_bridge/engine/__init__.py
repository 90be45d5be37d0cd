"""What the bridge does: orders, market data, accounts, the session and its health."""
