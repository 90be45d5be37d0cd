"""Who calls, and what is theirs alone: the selected account, suppressed questions, questions that wait for them.

A caller is the cookie that we set when a session is asked for; without that, the address it calls from.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from starlette.requests import HTTPConnection

from ibkr_bridge.domain.terms import ChangeOrder

COOKIE: Final = "ibkr-bridge-caller"
_TOKEN_BYTES: Final = 16
_TOKENS: Final = re.compile(r"[0-9a-f]{32}")
_MOST: Final = 10_000
_MOST_ASKED: Final = 500
_AT_ONCE: Final = 4


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of IBKR's about an order that waits for this caller's answer; `change` where it is about one."""

    order_id: str
    at: datetime
    change: ChangeOrder | None = None


@dataclass(slots=True)
class Caller:
    token: str
    """Names the caller on the WebSocket and in its cookie."""
    selected: str | None = None
    """The account chosen by this caller; None: not chosen."""
    suppressed: frozenset[str] = frozenset()
    """IBKR's message ids that this caller confirms, for its own orders alone."""
    asked: OrderedDict[str, Asked] = field(default_factory=OrderedDict)
    watched: set[int] = field(default_factory=set)
    """Contracts whose prices it has asked for, so that it can unsubscribe from them."""
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))
    """Who asks for more at once waits behind itself, and for nobody else's account."""

    def ask(self, name: str, asked: Asked) -> None:
        self.asked[name] = asked
        while len(self.asked) > _MOST_ASKED:
            self.asked.popitem(last=False)

    def log_out(self) -> None:
        """What a logout at IBKR would end for it."""
        self.selected, self.suppressed = None, frozenset()
        self.watched.clear()


class Callers:
    """The latest ten thousand, and apart from them as many who were introduced and have not come back: programs that
    keep no cookie are introduced again and again, and must push nobody out."""

    def __init__(self, entropy: Callable[[int], bytes]) -> None:
        self._entropy = entropy
        self._known: OrderedDict[str, Caller] = OrderedDict()
        self._introduced: OrderedDict[str, Caller] = OrderedDict()

    def name(self) -> str:
        """A new one that nobody can guess."""
        return self._entropy(_TOKEN_BYTES).hex()

    def of(self, connection: HTTPConnection, *, introduce: bool) -> tuple[Caller, bool]:
        """The caller, and whether it was just introduced, so that the answer must carry its cookie."""
        known = self._get(f"cookie {connection.cookies.get(COOKIE, '')}")
        if known is not None:
            return known, False
        if introduce:
            caller = Caller(self.name())
            _put(self._introduced, f"cookie {caller.token}", caller)
            return caller, True
        address = f"address {connection.client.host if connection.client else ''}"
        caller = self._get(address) or Caller(self.name())
        _put(self._known, address, caller)
        return caller, False

    def named(self, connection: HTTPConnection) -> Caller:
        """Whom a WebSocket belongs to: its cookies name what /tickle has told as `session`, in one form or another."""
        for token in _TOKENS.findall(connection.headers.get("cookie", "")):
            if (known := self._get(f"cookie {token}")) is not None:
                return known
        return self.of(connection, introduce=False)[0]

    def _get(self, key: str) -> Caller | None:
        caller = self._known.get(key) or self._introduced.pop(key, None)
        if caller is not None:
            _put(self._known, key, caller)
        return caller


def _put(callers: OrderedDict[str, Caller], key: str, caller: Caller) -> None:
    callers[key] = caller
    callers.move_to_end(key)
    while len(callers) > _MOST:
        callers.popitem(last=False)
