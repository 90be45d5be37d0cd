"""The TWS socket door: speaks IBKR's text protocol to unmodified clients."""
