"""Keeps web pages out: a page in the user's browser can reach loopback, but must get nothing done there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

_HOST: Final = re.compile(r"(?:127\.0\.0\.1|localhost|\[::1\]|(?:\w+\.)?api\.ibkr\.com)(?::\d{1,5})?", re.IGNORECASE)


def is_safe(headers: Mapping[str, str], public_url: str) -> bool:
    """Whether the host that a request names is one of this door's, and no other's page has sent it."""
    host = headers.get("Host", "")
    # A page that has rebound its own name to 127.0.0.1 still names itself here.
    if not (_HOST.fullmatch(host) or host == urlsplit(public_url).netloc):
        return False
    origin = headers.get("Origin")
    return origin is None or _HOST.fullmatch(urlsplit(origin).netloc) is not None
