"""IBKR's WebSocket: its grammar, its greeting, its topics."""
