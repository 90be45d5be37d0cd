"""A house for whoever asks for one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import pytest

from ibkr_bridge.upstream.webapi.limits import Limits
from tests.house import House, house

Build = Callable[..., Any]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has called IBKR before a test does: there is nothing to be wary of."""
    monkeypatch.setattr("ibkr_bridge.runtime.webapi.Limits", partial(Limits, wary=False))


@pytest.fixture
async def home() -> AsyncIterator[House]:
    async with house() as one:
        yield one


@pytest.fixture
async def hasty() -> AsyncIterator[House]:
    """One that waits a second for what never comes."""
    async with house(first_word_timeout=1.0, request_timeout=1.0) as one:
        yield one


@pytest.fixture
def build() -> Build:
    """Makes a house with settings of its own."""
    return house
