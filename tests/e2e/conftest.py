"""What curl would do, for the lines that documents show."""

from __future__ import annotations

import shlex
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import aiohttp
import pytest

from faults.ports import reserved_port


async def _like_curl(line: str) -> tuple[int, Any]:
    """What curl would do with these words, so that a machine without curl can be tested too."""
    words = shlex.split(line.replace("\\\n", " "))[1:]
    method, url, body, headers = "GET", "", None, {}
    while words:
        match words.pop(0):
            case "-X":
                method = words.pop(0)
            case "-d":
                body = words.pop(0)
            case "-H":
                name, _, value = words.pop(0).partition(": ")
                headers[name] = value
            case address:
                url = address
    async with aiohttp.ClientSession() as http, http.request(method, url, data=body, headers=headers) as answer:
        return answer.status, await answer.json()


@pytest.fixture
def curl() -> Callable[[str], Awaitable[tuple[int, Any]]]:
    return _like_curl


@pytest.fixture
def port() -> Iterator[int]:
    """Nobody listens at it but whom the test tells to."""
    with reserved_port() as reserved:
        yield reserved
