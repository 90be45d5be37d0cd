"""The secrets of an OAuth consumer: loaded from the files that IBKR was given the public halves of."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from ibkr_bridge.upstream.webapi.oauth import dhparam

GENERATOR = 2
"""IBKR computes with this one whatever the file says (Web API v1.0, "OAuth 1.0a")."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Shows none of its secrets."""

    consumer_key: str
    access_token: str = field(repr=False)
    access_token_secret: str = field(repr=False)
    """As the portal shows it: base64 of what only the encryption key can read."""
    signature_key: RSAPrivateKey = field(repr=False)
    encryption_key: RSAPrivateKey = field(repr=False)
    prime: int = field(repr=False)
    realm: str = "limited_poa"


def load(
    *,
    consumer_key: str,
    access_token: str,
    access_token_secret: str,
    signature_key_file: Path,
    encryption_key_file: Path,
    dh_prime_file: Path,
    realm: str = "limited_poa",
) -> Credentials:
    """Raises ValueError, in words for the operator, for a file that is missing or is something else."""
    return Credentials(
        consumer_key,
        access_token,
        access_token_secret,
        private_key(signature_key_file),
        private_key(encryption_key_file),
        prime(dh_prime_file),
        realm,
    )


def private_key(file: Path) -> RSAPrivateKey:
    """Raises ValueError."""
    try:
        key = load_pem_private_key(_read(file), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as problem:
        raise ValueError(f"{file} is not a private key in PEM form without a password") from problem
    if not isinstance(key, RSAPrivateKey):
        raise ValueError(f"{file} is not an RSA key")  # noqa: TRY004  a wrong file, not a wrong type
    return key


def prime(file: Path) -> int:
    """Raises ValueError."""
    try:
        found, generator = dhparam.read(_read(file))
    except ValueError as problem:
        raise ValueError(f"{file} does not hold Diffie-Hellman parameters in PEM form") from problem
    if generator != GENERATOR:
        raise ValueError(f"{file} has the generator {generator}; IBKR wants {GENERATOR}")
    return found


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as problem:
        raise ValueError(f"{file} cannot be read: {problem.strerror or problem}") from problem
