"""Keeps requests from being sent twice: nonces and timestamps (RFC 5849 section 3.3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

LONGEST_NONCE: Final = 256


class Nonces:
    """`wall` is real time, in seconds. A stamp may differ from it by `skew`, and lag behind the latest by `slack`."""

    def __init__(self, wall: Callable[[], float], skew: float, slack: float) -> None:
        self._wall, self._skew, self._slack = wall, skew, slack
        self._latest: dict[str, int] = {}
        self._seen: dict[tuple[str, str], int] = {}

    def complaint(self, consumer: str, stamp: str, nonce: str) -> str:
        """Why a request is not fresh; empty for one that is, whose nonce is used up by this."""
        if not stamp.isdecimal() or len(stamp) > 12:
            return "invalid timestamp"
        time = int(stamp)
        if abs(time - self._wall()) > self._skew:
            return "invalid timestamp: too far from the server's clock"
        if time < self._latest.get(consumer, 0) - self._slack:
            return "invalid timestamp: older than one used before"
        if not 0 < len(nonce) <= LONGEST_NONCE:
            return "invalid nonce"
        if (consumer, nonce) in self._seen:
            return "invalid nonce: used before"
        self._note(consumer, nonce, time)
        return ""

    def _note(self, consumer: str, nonce: str, time: int) -> None:
        self._latest[consumer] = max(time, self._latest.get(consumer, 0))
        self._seen[consumer, nonce] = time
        if len(self._seen) % 1000 == 0:
            oldest = self._wall() - 2 * self._skew  # an older stamp is refused for its age
            self._seen = {key: seen for key, seen in self._seen.items() if seen >= oldest}
