"""The judges that need IBKR's own client run only when they are asked for."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--foreign", action="store_true", help="also run the judges that need IBKR's own client")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--foreign"):
        return
    absent = pytest.mark.skip(reason="needs IBKR's own client: dev.py test --foreign")
    for item in items:
        if item.get_closest_marker("foreign"):
            item.add_marker(absent)
