"""What callers see: REST and WebSocket. No logic."""
