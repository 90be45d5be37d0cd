"""The key agreement behind the live session token (IBKR, "OAuth 1.0a Extended": Live Session Token)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass

from ibkr_sim.webapi.consumers import GENERATOR


@dataclass(frozen=True, slots=True)
class Agreement:
    """`response` is for the client, in hexadecimal; the token is never sent."""

    response: str
    token: str
    """The live session token, in base64."""
    signature: str
    """Proves to the client that both sides have the same token; in hexadecimal."""


def signed_bytes(number: int) -> bytes:
    """Big-endian two's complement of a positive number, as short as can be: one zero byte more where the first
    bit is set. Without it every second handshake fails.
    """
    return number.to_bytes(number.bit_length() // 8 + 1, "big")


def live_session_token(secret_key: int, access_token_secret: bytes) -> str:
    """From the agreed number and the decrypted secret of the access token; in base64."""
    digest = hmac.new(signed_bytes(secret_key), access_token_secret, hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def token_signature(token: str, consumer_key: str) -> str:
    return hmac.new(base64.b64decode(token), consumer_key.encode(), hashlib.sha1).hexdigest()


def is_acceptable(challenge: int, prime: int) -> bool:
    """Whether a public value is one of the group, and not one that gives the agreed number away."""
    return 1 < challenge < prime - 1


def agree(challenge: int, private: int, prime: int, access_token_secret: bytes, consumer_key: str) -> Agreement:
    """`challenge` is the client's public value, `private` this side's secret number."""
    token = live_session_token(pow(challenge, private, prime), access_token_secret)
    return Agreement(f"{pow(GENERATOR, private, prime):x}", token, token_signature(token, consumer_key))
