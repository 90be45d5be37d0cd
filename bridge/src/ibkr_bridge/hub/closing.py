"""Close codes of our own WebSockets (RFC 6455, 7.4.2: 4000 to 4999 are free for applications)."""

from __future__ import annotations

from enum import IntEnum


class CloseCode(IntEnum):
    """Below 4500: connect again. From 4500: the same request will fail again."""

    SLOW = 4000
    """More messages waited than the subscriber may keep waiting."""
    STOPPING = 4001
    """The service is going down."""


class SubscriberClosed(Exception):
    """Nothing more will come; `code` and `reason` say why."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
