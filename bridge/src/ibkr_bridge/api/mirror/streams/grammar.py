"""What a client says on IBKR's WebSocket: `TOPIC+TARGET+{json}` (Web API v1.0, "WebSockets")."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Request:
    """`target` is what stands between topic and arguments; empty where there is none."""

    topic: str
    target: str
    arguments: Mapping[str, Any]

    def texts(self, name: str) -> list[str]:
        """A list among the arguments, as texts; empty where it is absent or none."""
        found = self.arguments.get(name)
        return [str(item) for item in found] if isinstance(found, list) else []


def parse(text: str) -> Request | None:
    """None for what is no request: no topic, or arguments that are no JSON object."""
    head, brace, rest = text.strip().partition("{")
    arguments: object = {}
    if brace:
        try:
            arguments = json.loads(brace + rest)
        except (ValueError, RecursionError):
            return None
    topic, _plus, target = head.rstrip("+").partition("+")
    if not topic.isalpha() or not isinstance(arguments, dict):
        return None
    return Request(topic, target, arguments)


def names_a_session(text: str) -> bool:
    """`{"session": "..."}`, with which clients answer a server that waits for it."""
    return text.lstrip().startswith("{")
