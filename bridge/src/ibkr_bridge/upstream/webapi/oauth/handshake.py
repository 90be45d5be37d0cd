"""The live session token: a Diffie-Hellman agreement that only the holder of both keys can complete. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

from ibkr_bridge.upstream.webapi.oauth import signing
from ibkr_bridge.upstream.webapi.oauth.keys import GENERATOR, Credentials

PATH = "/oauth/live_session_token"
EXPONENT_BYTES = 32
NONCE_BYTES = 16


class HandshakeFailed(Exception):
    """In words for the operator."""


@dataclass(frozen=True, slots=True)
class LiveSessionToken:
    """`expires_at` in seconds since 1970."""

    key: bytes = field(repr=False)
    expires_at: float


@dataclass(frozen=True, slots=True)
class Challenge:
    """What is sent, and what is kept to read the answer with."""

    authorization: str = field(repr=False)
    prepend: bytes = field(repr=False)
    exponent: int = field(repr=False)


def challenge(credentials: Credentials, url: str, timestamp: int, entropy: Callable[[int], bytes]) -> Challenge:
    """`url` is the base of the API. Raises HandshakeFailed when the encryption key does not fit the secret."""
    prepend = _decrypted(credentials)
    exponent = int.from_bytes(entropy(EXPONENT_BYTES), "big")
    parameters = {
        "diffie_hellman_challenge": f"{pow(GENERATOR, exponent, credentials.prime):x}",
        **_parameters(credentials, "RSA-SHA256", timestamp, entropy),
    }
    base = signing.base_string("POST", f"{url}{PATH}", parameters, prepend.hex())
    signature = signing.rsa_sha256(credentials.signature_key, base)
    authorization = signing.header({**parameters, "oauth_signature": signature}, credentials.realm)
    return Challenge(authorization, prepend, exponent)


def completed(credentials: Credentials, sent: Challenge, answer: Mapping[str, object]) -> LiveSessionToken:
    """Raises HandshakeFailed when the answer is no answer, or proves that the two sides do not agree."""
    try:
        response = int(str(answer["diffie_hellman_response"]), 16)
        theirs = str(answer["live_session_token_signature"])
        expires_at = float(str(answer["live_session_token_expiration"])) / 1000
    except (KeyError, ValueError) as problem:
        raise HandshakeFailed("IBKR's answer holds no live session token.") from problem
    token = live_session_token(response, sent.exponent, credentials.prime, sent.prepend)
    ours = hmac.new(token, credentials.consumer_key.encode(), hashlib.sha1).hexdigest()
    if not hmac.compare_digest(ours, theirs.lower()):
        raise HandshakeFailed(
            "The live session token does not prove itself: IBKR_SERVICE_DH_PRIME_FILE is not the file that was uploaded"
            " with this consumer key, or IBKR_SERVICE_CONSUMER_KEY is another one's."
        )
    return LiveSessionToken(token, expires_at)


def live_session_token(response: int, exponent: int, prime: int, prepend: bytes) -> bytes:
    """HMAC-SHA1 under the shared secret, written as Java writes a big number: signed.

    A secret whose first bit is set gets a zero byte before it. Without that, half of all logins fail.
    """
    secret = pow(response, exponent, prime)
    return hmac.new(secret.to_bytes(secret.bit_length() // 8 + 1, "big"), prepend, hashlib.sha1).digest()


def authorization(
    credentials: Credentials,
    token: LiveSessionToken,
    method: str,
    url: str,
    timestamp: int,
    entropy: Callable[[int], bytes],
) -> str:
    """The header of every request after the handshake; `url` without its query."""
    parameters = _parameters(credentials, "HMAC-SHA256", timestamp, entropy)
    signature = signing.hmac_sha256(token.key, signing.base_string(method, url, parameters))
    return signing.header({**parameters, "oauth_signature": signature}, credentials.realm)


def _parameters(
    credentials: Credentials, method: str, timestamp: int, entropy: Callable[[int], bytes]
) -> dict[str, str]:
    return {
        "oauth_consumer_key": credentials.consumer_key,
        "oauth_nonce": entropy(NONCE_BYTES).hex(),
        "oauth_signature_method": method,
        "oauth_timestamp": str(timestamp),
        "oauth_token": credentials.access_token,
    }


def _decrypted(credentials: Credentials) -> bytes:
    try:
        secret = base64.b64decode(credentials.access_token_secret, validate=True)
        return credentials.encryption_key.decrypt(secret, PKCS1v15())
    except (ValueError, binascii.Error) as problem:
        raise HandshakeFailed(
            "IBKR_SERVICE_ACCESS_TOKEN_SECRET cannot be read with IBKR_SERVICE_ENCRYPTION_KEY_FILE: copy the secret"
            " whole, and name the key whose public half was uploaded."
        ) from problem
