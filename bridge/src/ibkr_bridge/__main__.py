"""`python -m ibkr_bridge`."""

from __future__ import annotations

from ibkr_bridge.cli.main import main

if __name__ == "__main__":
    main()
