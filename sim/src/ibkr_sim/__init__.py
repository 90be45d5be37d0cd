"""An IBKR for your laptop."""
