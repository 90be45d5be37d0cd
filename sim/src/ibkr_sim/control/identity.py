"""Proof that this process is the one that was given the secret."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from typing import Final

_CHALLENGE: Final = re.compile(r"(?:[0-9a-fA-F]{2}){8,64}")


def acceptable(challenge: str) -> bool:
    """8 to 64 bytes in hexadecimal."""
    return _CHALLENGE.fullmatch(challenge) is not None


def proof(nonce: str, statement: Mapping[str, object]) -> str:
    """HMAC-SHA256 in hexadecimal; key: the nonce's characters, text: the statement as JSON, keys sorted, no blanks."""
    text = json.dumps(statement, sort_keys=True, separators=(",", ":"))
    return hmac.new(nonce.encode(), text.encode(), hashlib.sha256).hexdigest()
