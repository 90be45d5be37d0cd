"""Verifies signatures: RSA-SHA256 over the first steps, HMAC-SHA256 over every later request."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac


def verify_rsa(pem: str, text: str, signature: str) -> bool:
    """PKCS #1 v1.5 over SHA-256; the signature in base64."""
    return verify_rsa_bytes(pem, text.encode(), _decoded(signature))


def verify_rsa_bytes(pem: str, text: bytes, signature: bytes) -> bool:
    from ibkr_sim.webapi.oauth import rsa  # noqa: PLC0415  the door opens sooner, and few users sign

    return rsa.verify(pem, text, signature)


def verify_hmac(token: str, text: str, signature: str) -> bool:
    """The key is the live session token, both in base64."""
    expected = hmac.new(base64.b64decode(token), text.encode(), hashlib.sha256).digest()
    return hmac.compare_digest(expected, _decoded(signature))


def encrypt(pem: str, secret: bytes) -> str:
    """To the consumer's encryption key, PKCS #1 v1.5, in base64."""
    from ibkr_sim.webapi.oauth import rsa  # noqa: PLC0415  as above

    return base64.b64encode(rsa.encrypt(pem, secret)).decode()


def _decoded(signature: str) -> bytes:
    try:
        return base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return b""
