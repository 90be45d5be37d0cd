"""The WebSocket: its grammar, its greeting, its topics."""
