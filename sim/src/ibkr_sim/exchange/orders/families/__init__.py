"""The families of order types: pure rules that say when an order trades, and at which price."""
