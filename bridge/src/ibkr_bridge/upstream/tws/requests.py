"""Questions that wait for an answer: each has an id, a deadline, and one way to end."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ibkr_bridge.domain.errors import BridgeError, BrokerSilent

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(slots=True)
class Request:
    """What has come so far, and the future that tells when it is all."""

    what: str
    items: list[Any] = field(default_factory=list)
    done: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    async def all(self, timeout: float) -> list[Any]:
        """Raises BrokerSilent when the end does not come in time, and whatever the request failed with."""
        try:
            async with asyncio.timeout(timeout):
                await self.done
        except TimeoutError:
            raise BrokerSilent(self.what, timeout) from None
        return self.items


class Requests:
    """Requests under way, by IBKR's request id, or by name where IBKR gives none."""

    def __init__(self) -> None:
        self._open: dict[Hashable, Request] = {}

    @contextmanager
    def open(self, key: Hashable, what: str) -> Iterator[Request]:
        request = Request(what)
        self._open[key] = request
        try:
            yield request
        finally:
            self._open.pop(key, None)
            request.done.cancel()

    def add(self, key: Hashable, item: object) -> bool:
        """False when nobody asked."""
        request = self._open.get(key)
        if request is None:
            return False
        request.items.append(item)
        return True

    def finish(self, key: Hashable) -> bool:
        request = self._open.get(key)
        if request is None:
            return False
        if not request.done.done():
            request.done.set_result(None)
        return True

    def fail(self, key: Hashable, problem: BridgeError) -> bool:
        request = self._open.get(key)
        if request is None:
            return False
        if not request.done.done():
            request.done.set_exception(problem)
        return True

    def fail_all(self, problem: BridgeError) -> None:
        for key in list(self._open):
            self.fail(key, problem)
