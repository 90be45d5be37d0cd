"""The judges that need IBKR's own client run only when they are asked for; in CI nothing may be left out."""

from __future__ import annotations

import os
import sys

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--foreign", action="store_true", help="also run the judges that need IBKR's own client")


def pytest_configure(config: pytest.Config) -> None:
    """What a service keeps in its user's state folder stays inside the checkout while it is tested."""
    inside = str(config.rootpath / ".data" / "state")
    os.environ.update({"XDG_STATE_HOME": inside, "LOCALAPPDATA": inside})
    if sys.platform == "darwin":
        os.environ["HOME"] = inside


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--foreign"):
        return
    absent = pytest.mark.skip(reason="needs IBKR's own client: dev.py test --foreign")
    for item in items:
        if item.get_closest_marker("foreign"):
            item.add_marker(absent)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """What a user's machine may lack, CI installs: there a skipped test is a failed run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") == "true" and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
