"""The event loop: uvloop where it exists, asyncio's own on Windows."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=_factory()) as runner:
        return runner.run(work)


if sys.platform == "win32":

    def _factory() -> None:
        return None

else:
    import uvloop

    def _factory() -> type[uvloop.Loop]:
        return uvloop.Loop
