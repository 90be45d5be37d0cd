"""Makes a ready consumer: keys, prime, access token, as somebody has them who went through IBKR's portal."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from ibkr_sim.webapi.consumers import REALM, Consumer

PRIME: Final = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD"
    "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F"
    "83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B"
    "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510"
    "15728E5A8AACAA68FFFFFFFFFFFFFFFF",
    16,
)
"""The 2048-bit group of RFC 3526: making a prime of one's own takes half a minute."""
_BITS: Final = 2048


@dataclass(frozen=True, slots=True)
class Registration:
    """Both sides of a registration: `consumer` is IBKR's, everything else the client's to keep."""

    consumer: Consumer
    signature_key: str
    """Private, PEM (PKCS #8)."""
    encryption_key: str
    """Private, PEM (PKCS #8)."""
    access_token: str
    access_token_secret: str
    """Encrypted to the encryption key, in base64, as the portal shows it."""

    @property
    def prime(self) -> str:
        """In hexadecimal."""
        return f"{self.consumer.prime:x}"


def ready_consumer(
    key: str = "SIMULATOR",
    *,
    realm: str = REALM,
    prime: int = PRIME,
    active_from: datetime | None = None,
    token_until: datetime | None = None,
    third_party: bool = False,
) -> Registration:
    """A consumer with keys of its own; a third party has yet to ask for a user's access token."""
    signature, encryption = (rsa.generate_private_key(65537, _BITS) for _ in range(2))
    token, secret = secrets.token_hex(10), secrets.token_bytes(32)
    encrypted = base64.b64encode(encryption.public_key().encrypt(secret, padding.PKCS1v15())).decode()
    consumer = Consumer(
        key=key,
        signature_key=public_pem(signature),
        encryption_key=public_pem(encryption),
        prime=prime,
        realm=realm,
        access_token="" if third_party else token,
        access_token_secret=b"" if third_party else secret,
        active_from=active_from,
        token_until=token_until,
        third_party=third_party,
    )
    shown = ("", "") if third_party else (token, encrypted)
    return Registration(consumer, private_pem(signature), private_pem(encryption), *shown)


def consumer_from_keys(
    key: str, signature_key: str, encryption_key: str, prime: int, access_token: str, access_token_secret: str
) -> Consumer:
    """A consumer of the client's own private keys (PEM) and the token it was shown. Raises ValueError."""
    signature, encryption = _private(signature_key), _private(encryption_key)
    secret = encryption.decrypt(base64.b64decode(access_token_secret), padding.PKCS1v15())
    return Consumer(
        key=key,
        signature_key=public_pem(signature),
        encryption_key=public_pem(encryption),
        prime=prime,
        access_token=access_token,
        access_token_secret=secret,
    )


def public_pem(key: rsa.RSAPrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def private_pem(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _private(pem: str) -> rsa.RSAPrivateKey:
    key = load_pem_private_key(pem.encode(), None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("not an RSA key")
    return key
