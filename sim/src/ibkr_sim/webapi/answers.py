"""What a request is answered with, before it becomes bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

JSON: Final = "application/json"
HTML: Final = "text/html"


@dataclass(frozen=True, slots=True)
class Answer:
    """`content` is a JSON value, or text where the type is another one."""

    content: Any
    status: int = 200
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: Mapping[str, str] = field(default_factory=dict)

    def encode(self) -> bytes:
        return encode(self.content) if self.content_type == JSON else str(self.content).encode()


class Refused(Exception):
    """A request that gets an error for an answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(str(answer.content))
        self.answer = answer


def refusal(status: int, text: str) -> Refused:
    """IBKR's usual form of an error with the status repeated in it."""
    return Refused(Answer({"error": text, "statusCode": status}, status))


def plain_refusal(status: int, text: str) -> Refused:
    """An error without `statusCode`, as the handlers of IBKR's servers give it."""
    return Refused(Answer({"error": text}, status))


def page(title: str, body: str, status: int = 200, **cookies: str) -> Answer:
    """A page in HTML; `body` must be safe to show."""
    html = f"<!doctype html><html><head><title>{title}</title></head><body>{body}</body></html>"
    return Answer(html, status, HTML, cookies=cookies)


def encode(value: object) -> bytes:
    """JSON as IBKR writes it: UTF-8, no blanks, decimals as the doubles that they are on its wire."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=_number).encode()


def _number(value: object) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{type(value).__name__} is no JSON value")
