"""What a client says on the WebSocket: `TOPIC+TARGET+{json}`, or a JSON object that names its session."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Request:
    """`targets` are the parts between topic and arguments."""

    topic: str
    targets: tuple[str, ...]
    arguments: Mapping[str, Any]

    @property
    def target(self) -> str:
        return self.targets[0] if self.targets else ""


def parse(text: str) -> Request | None:
    """None for what is no request: arguments that are no JSON object, or no topic."""
    head, brace, rest = text.strip().partition("{")
    arguments: object = {}
    if brace:
        try:
            arguments = json.loads(brace + rest)
        except (ValueError, RecursionError):
            return None
    topic, *targets = head.rstrip("+").split("+")
    if not topic.isalpha() or not isinstance(arguments, dict):
        return None
    return Request(topic, tuple(target for target in targets if target), arguments)


def session_named(text: str) -> str | None:
    """Of `{"session": "..."}`, also as the cookie `api` carries it."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    session = value.get("session") if isinstance(value, dict) else None
    return session if isinstance(session, str) else None
