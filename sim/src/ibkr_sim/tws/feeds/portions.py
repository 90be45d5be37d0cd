"""Answers too long for one go, such as whole option chains: IBKR throttles them as well."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from ibkr_sim.tws.outlet import Outlet

PORTION: Final = 800
"""Messages that leave at once: at the request, and then at every beat of the door."""


class Portions:
    """One answer after the other; a client that reads is never buried."""

    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet
        self._waiting: deque[Iterator[bytes]] = deque()

    def begin(self, messages: Iterable[bytes]) -> None:
        """The first portion leaves now, unless another answer has not ended yet."""
        self._waiting.append(iter(messages))
        if len(self._waiting) == 1:
            self.refresh()

    def refresh(self) -> None:
        left = PORTION
        while left and self._waiting:
            sent = 0
            for message in islice(self._waiting[0], left):
                self._outlet.send(message)
                sent += 1
            left -= sent
            if left:
                self._waiting.popleft()
