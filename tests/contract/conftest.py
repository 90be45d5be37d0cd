"""The same house at either of IBKR's doors."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ibkr_bridge.config.questions import KNOWN


@pytest.fixture(params=["tws", "webapi"])
def door(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """A file that says yes to every question of IBKR's that is known."""
    file = tmp_path / "questions.toml"
    lines = (f'{name} = "allow"' for name in KNOWN)
    file.write_text("\n".join(("[questions]", *lines)))
    return file


@pytest.fixture
def build(build: Callable[..., Any], door: str, policy: Path) -> Callable[..., Any]:
    """Makes a house at this door, with settings of its own."""
    return partial(build, door=door, questions_file=policy, first_word_timeout=10.0)


@pytest.fixture
async def home(build: Callable[..., Any]) -> AsyncIterator[Any]:
    async with build() as one:
        yield one
