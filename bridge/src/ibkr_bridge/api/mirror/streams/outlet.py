"""Where the frames of one socket go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ibkr_bridge.api.json import encode
from ibkr_bridge.api.mirror.answers import Refusal
from ibkr_bridge.domain.errors import BridgeError
from ibkr_bridge.hub.subscriber import Subscriber


class Outlet:
    def __init__(self, mailbox: Subscriber) -> None:
        self._mailbox = mailbox

    @property
    def clear(self) -> bool:
        """Whether everything said so far has gone: what can wait, such as a price, waits for that."""
        return not self._mailbox.waiting

    def tell(self, message: Mapping[str, Any]) -> None:
        self._mailbox.push(encode(dict(message)))

    def refuse(self, topic: str, problem: BridgeError | Refusal) -> None:
        """In the form in which IBKR refuses a topic, with our words beside it."""
        status, text = (problem.status, problem.text) if isinstance(problem, Refusal) else (500, problem.detail)
        told = {"error": text, "code": status, "topic": topic}
        self.tell({**told, "detail": text, "advice": problem.advice, "reason": problem.code})
