"""RSA with PKCS #1 v1.5, for whom keys are PEM and everything else is bytes."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key


def public_key(pem: str) -> RSAPublicKey:
    """Raises ValueError for what is no key, TypeError for one that is not RSA."""
    key = load_pem_public_key(pem.encode())
    if not isinstance(key, RSAPublicKey):
        raise TypeError("not an RSA key")
    return key


def verify(pem: str, text: bytes, signature: bytes) -> bool:
    """Over SHA-256."""
    try:
        public_key(pem).verify(signature, text, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def encrypt(pem: str, secret: bytes) -> bytes:
    return public_key(pem).encrypt(secret, PKCS1v15())
