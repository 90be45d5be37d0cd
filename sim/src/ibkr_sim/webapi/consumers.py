"""Consumers: who may sign requests, with which keys, from when on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

GENERATOR: Final = 2
"""Of the Diffie-Hellman group; IBKR takes no other."""
REALM: Final = "limited_poa"


@dataclass(frozen=True, slots=True)
class Consumer:
    """What IBKR keeps of a consumer that has been registered; keys are PEM texts."""

    key: str
    signature_key: str
    """The public key with which signatures are verified (RSA)."""
    encryption_key: str
    """The public key to which access token secrets are encrypted (RSA)."""
    prime: int
    """The modulus of the Diffie-Hellman group."""
    realm: str = REALM
    access_token: str = ""
    """Of a first party, shown once in IBKR's portal; empty for a third party."""
    access_token_secret: bytes = b""
    """What the ciphertext shown in the portal decrypts to."""
    active_from: datetime | None = None
    """Simulated time before which the key is an invalid consumer; a new one waits for the next midnight."""
    token_until: datetime | None = None
    """Simulated time from which the access token is expired."""
    third_party: bool = False
    """Whether it may ask for tokens on behalf of users."""


@dataclass(frozen=True, slots=True)
class Oauth2Client:
    """A client of OAuth 2.0 that proves itself with signed assertions (`private_key_jwt`)."""

    client_id: str
    key_id: str
    public_key: str
    """PEM text (RSA)."""
    credential: str = ""
    """The only username it may open sessions for; empty for any."""
