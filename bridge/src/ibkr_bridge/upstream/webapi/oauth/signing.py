"""OAuth 1.0a signatures: the base string, RSA for the handshake, HMAC for everything after it. Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import quote

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256


def base_string(method: str, url: str, parameters: Mapping[str, str], prepend: str = "") -> str:
    """RFC 5849, 3.4.1, and IBKR's `prepend` before it. The query and the body are not signed."""
    pairs = "&".join(f"{name}={value}" for name, value in sorted(parameters.items()))
    return f"{prepend}{method.upper()}&{_encoded(url)}&{_encoded(pairs)}"


def rsa_sha256(key: RSAPrivateKey, text: str) -> str:
    """PKCS #1 v1.5, in base64 and percent-encoded."""
    return _encoded(base64.b64encode(key.sign(text.encode(), PKCS1v15(), SHA256())).decode())


def hmac_sha256(token: bytes, text: str) -> str:
    """In base64 and percent-encoded."""
    return _encoded(base64.b64encode(hmac.new(token, text.encode(), hashlib.sha256).digest()).decode())


def header(parameters: Mapping[str, str], realm: str) -> str:
    """The Authorization header; the realm is told and not signed."""
    named = {**parameters, "realm": realm}
    return "OAuth " + ", ".join(f'{name}="{value}"' for name, value in sorted(named.items()))


def _encoded(text: str) -> str:
    return quote(text, safe="")
