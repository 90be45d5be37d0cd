"""The pytest plugin: a fresh exchange on free ports for each test that asks for `ibkr_sim`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

# pytest loads this file in every run of every project that has ibkr-sim installed: the simulator itself is imported
# by the first test that wants one.
if TYPE_CHECKING:
    from ibkr_sim.server import SimulatorSettings
    from ibkr_sim.testing.running import RunningSimulator

MARKER = "ibkr_sim(**choices): the simulator of this test; the choices are those of ibkr_sim.testing.choices.choose"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("ibkr_sim", "a simulated Interactive Brokers")
    group.addoption(
        "--ibkr-sim-seed", type=int, default=1, metavar="N", help="the market of tests that choose no seed (default 1)"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER)


@pytest.fixture
def ibkr_sim_settings(request: pytest.FixtureRequest) -> SimulatorSettings:
    """What the marker chooses; a fixture of the same name in your own tests replaces it."""
    from ibkr_sim.testing.choices import choose  # noqa: PLC0415  as said above

    choices = {"seed": request.config.getoption("--ibkr-sim-seed")}
    for marker in reversed(list(request.node.iter_markers("ibkr_sim"))):
        choices.update(marker.kwargs)
    return choose(**choices)


@pytest.fixture
def ibkr_sim(ibkr_sim_settings: SimulatorSettings) -> Iterator[RunningSimulator]:
    """A fresh simulated IBKR, gone after the test. It runs in a thread of its own, so blocking clients may use it."""
    from ibkr_sim.testing.running import RunningSimulator  # noqa: PLC0415  as said above

    with RunningSimulator(ibkr_sim_settings) as simulator:
        yield simulator
