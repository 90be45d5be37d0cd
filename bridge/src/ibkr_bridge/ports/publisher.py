"""Where the engine says what happened; who listens is none of its business."""

from __future__ import annotations

from typing import Protocol


class Publisher(Protocol):
    def publish(self, topic: str, message: object) -> None:
        """Hand `message` to everybody who listens on `topic`. Never waits, never raises."""
