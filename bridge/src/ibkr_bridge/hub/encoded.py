"""What a message looks like once it is bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Encoded:
    """`frames` go to every listener. `condition` is the topic's state, such as live or stale: a listener whose last
    known one was another also gets `notice`, once, and ahead of the frames."""

    frames: tuple[bytes, ...] = ()
    condition: str | None = None
    notice: bytes = b""


Encode = Callable[[str, object], Encoded]
"""(topic, message) to bytes."""
