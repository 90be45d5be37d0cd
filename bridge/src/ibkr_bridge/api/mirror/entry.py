"""One line of the mirror's table: a path, and what becomes of a call of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from ibkr_bridge.api.mirror.call import Handler


class Deed(StrEnum):
    PASSED = "passed through"
    ANSWERED = "answered here"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Entry:
    """`path` is below /v1/api, with names in braces. `handler` answers here, or where IBKR cannot be passed a call."""

    methods: str
    path: str
    deed: Deed
    note: str = ""
    handler: Handler | None = None
    keep: float = 0.0
    """For how many seconds IBKR's answer stays true."""
    reads: bool = False
    """Whether a POST changes nothing at IBKR."""
    tws: bool = False
    """Whether the TWS door has an answer as well."""

    def pattern(self) -> re.Pattern[str]:
        """A name in braces stands for letters that mean nothing in an address: no `?`, no `..`."""
        return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>(?!\\.+(?:/|$))[A-Za-z0-9._:@-]+)", self.path))


def answered(methods: str, path: str, handler: Handler, note: str, *, tws: bool = True) -> Entry:
    return Entry(methods, path, Deed.ANSWERED, note, handler, tws=tws)


def passed(
    methods: str, path: str, note: str = "", *, tws: Handler | None = None, keep: float = 0.0, reads: bool = False
) -> Entry:
    """`tws` answers where the door is not the Web API's."""
    return Entry(methods, path, Deed.PASSED, note, tws, keep, reads, tws is not None)


def refused(methods: str, path: str, why: str) -> Entry:
    return Entry(methods, path, Deed.REFUSED, why)
