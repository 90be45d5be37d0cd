"""One API into Interactive Brokers."""
