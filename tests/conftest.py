"""A house for whoever asks for one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tests.house import House, house

Build = Callable[..., Any]


@pytest.fixture
async def home() -> AsyncIterator[House]:
    async with house() as one:
        yield one


@pytest.fixture
def build() -> Build:
    """Makes a house with settings of its own."""
    return house
