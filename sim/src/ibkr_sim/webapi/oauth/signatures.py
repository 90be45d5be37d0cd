"""Verifies signatures: RSA-SHA256 over the first steps, HMAC-SHA256 over every later request."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key


def public_key(pem: str) -> rsa.RSAPublicKey:
    """Raises ValueError for what is no key, TypeError for one that is not RSA."""
    key = load_pem_public_key(pem.encode())
    if not isinstance(key, rsa.RSAPublicKey):
        raise TypeError("not an RSA key")
    return key


def verify_rsa(pem: str, text: str, signature: str) -> bool:
    """PKCS #1 v1.5 over SHA-256; the signature in base64."""
    return verify_rsa_bytes(pem, text.encode(), _decoded(signature))


def verify_rsa_bytes(pem: str, text: bytes, signature: bytes) -> bool:
    try:
        public_key(pem).verify(signature, text, padding.PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def verify_hmac(token: str, text: str, signature: str) -> bool:
    """The key is the live session token, both in base64."""
    expected = hmac.new(base64.b64decode(token), text.encode(), hashlib.sha256).digest()
    return hmac.compare_digest(expected, _decoded(signature))


def encrypt(pem: str, secret: bytes) -> str:
    """To the consumer's encryption key, PKCS #1 v1.5, in base64."""
    return base64.b64encode(public_key(pem).encrypt(secret, padding.PKCS1v15())).decode()


def _decoded(signature: str) -> bytes:
    try:
        return base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return b""
