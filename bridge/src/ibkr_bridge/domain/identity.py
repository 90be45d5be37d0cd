"""Names we give: order ids that sort by time, and the short reference that travels to the broker and back."""

from __future__ import annotations

from datetime import datetime

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no letter that reads as another."""
ID_LENGTH = 26
ENTROPY_BYTES = 10


def order_id(now: datetime, entropy: bytes) -> str:
    """48 bits of milliseconds and 80 of `entropy` (10 bytes), in 26 characters that sort by time."""
    number = (int(now.timestamp() * 1000) << 80) | int.from_bytes(entropy[:ENTROPY_BYTES], "big")
    letters = []
    for _ in range(ID_LENGTH):
        number, digit = divmod(number, 32)
        letters.append(_ALPHABET[digit])
    return "".join(reversed(letters))


def reference(order: str, leg: int = 0, attempt: int = 1) -> str:
    """What `orderRef` (TWS) and `cOID` (Web API) carry: order, leg and attempt; 64 characters at most."""
    return f"{order}.{leg}.{attempt}"


def order_of(text: str) -> str | None:
    """The order id in a reference of ours; None for anybody else's."""
    head, _, tail = text.partition(".")
    ours = len(head) == ID_LENGTH and set(head) <= set(_ALPHABET) and tail.replace(".", "").isdigit()
    return head if ours else None
