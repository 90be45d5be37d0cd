"""IBKR's own Web API paths: passed through, answered here, or refused with the reason; docs/mirror.md lists them."""
