"""Several questions at once, of which one that fails is the failure of all."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

T = TypeVar("T")


async def all_of(asking: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """Every answer, in order. Raises what the first one to fail has raised, and asks no further."""
    tasks = [asyncio.ensure_future(one) for one in asking]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
