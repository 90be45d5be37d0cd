"""The same house at either of IBKR's doors."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import pytest


@pytest.fixture(params=["tws", "webapi"])
def door(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def build(build: Callable[..., Any], door: str) -> Callable[..., Any]:
    """Makes a house at this door, with settings of its own."""
    return partial(build, door=door)


@pytest.fixture
async def home(build: Callable[..., Any]) -> AsyncIterator[Any]:
    async with build() as one:
        yield one
