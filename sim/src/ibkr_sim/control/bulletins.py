"""Bulletins of IBKR's, read from JSON and shown as JSON."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Final

from ibkr_sim.control.problems import Refused
from ibkr_sim.tws.bulletins import Bulletin, BulletinKind, Bulletins

_FIELDS: Final = frozenset({"text", "kind", "exchange"})
_EXAMPLE: Final = 'Send {"text": "The exchange is closed today.", "kind": "exchange-down", "exchange": "NYSE"}.'
_KINDS: Final = {kind.name.lower().replace("_", "-"): kind for kind in BulletinKind}
_EXCHANGE: Final = re.compile(r"[A-Z0-9.]{0,20}")
_LONGEST: Final = 4_000


def issue(board: Bulletins, now: datetime, body: object) -> dict[str, Any]:
    """Read `{"text": ..., "kind": "news", "exchange": "NYSE"}` and issue it. Raises Refused (422)."""
    if not isinstance(body, dict) or body.keys() - _FIELDS:
        raise _invalid(_EXAMPLE)
    text, kind, exchange = body.get("text"), body.get("kind", "news"), body.get("exchange", "")
    if not isinstance(text, str) or not 0 < len(text.strip()) <= _LONGEST:
        raise _invalid(f"text must have 1 to {_LONGEST} characters. {_EXAMPLE}")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise _invalid(f"kind must be {', '.join(_KINDS)}.")
    if not isinstance(exchange, str) or not _EXCHANGE.fullmatch(exchange):
        raise _invalid("exchange must be a name such as NYSE.")
    if not exchange and _KINDS[kind] is not BulletinKind.NEWS:
        raise _invalid("Name the exchange that is available, or is no longer.")
    return shown(board.issue(_KINDS[kind], text.strip(), exchange, now))


def shown(bulletin: Bulletin) -> dict[str, Any]:
    kind = next(name for name, kind in _KINDS.items() if kind is bulletin.kind)
    time = bulletin.time.isoformat()
    return {"id": bulletin.id, "kind": kind, "text": bulletin.text, "exchange": bulletin.exchange, "time": time}


def _invalid(detail: str) -> Refused:
    return Refused(422, "invalid_bulletin", detail)
