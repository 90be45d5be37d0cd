"""`ibkr-bridge oauth setup`: the keys that IBKR's OAuth wants, and what to do with them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from ibkr_bridge.cli.options import fail

# The cryptography library takes a while to import; --help needs none of it.
# ruff: noqa: PLC0415

PORTAL = "https://ndcdyn.interactivebrokers.com/sso/Login?action=OAUTH&RL=1&ip2loc=US"
_KEY_BITS = 2048
_EXPONENT = 65537
_NEXT = """
Made in {folder}. Keep the private files private; nobody at IBKR ever asks for them.

1. Log in at {portal}
   with the user that trades (a paper user has keys of its own).
2. Choose a consumer key: 9 letters, A to Z.
3. Upload public_signature.pem, public_encryption.pem and dhparam.pem.
4. Generate the access token: the portal shows the token and its secret, once.
5. Write into .env:

IBKR_SERVICE_USE_OAUTH=true
IBKR_SERVICE_CONSUMER_KEY=the 9 letters
IBKR_SERVICE_ACCESS_TOKEN=the access token
IBKR_SERVICE_ACCESS_TOKEN_SECRET=its secret, whole
IBKR_SERVICE_SIGNATURE_KEY_FILE={folder}/private_signature.pem
IBKR_SERVICE_ENCRYPTION_KEY_FILE={folder}/private_encryption.pem
IBKR_SERVICE_DH_PRIME_FILE={folder}/dhparam.pem
IBKR_SERVICE_OAUTH_REALM=limited_poa

A new consumer key works after the next midnight of its region; until then IBKR answers "invalid consumer".
"""


def build() -> typer.Typer:
    app = typer.Typer(name="oauth", help="Prepare to sign in to IBKR's Web API without a gateway.")
    app.callback()(_several)
    app.command(short_help="Make the keys, and say where they go.")(setup)
    return app


def setup(
    folder: Annotated[Path, typer.Option(help="Where the files go.")] = Path("ibkr-oauth"),
    *,
    known_prime: Annotated[
        bool,
        typer.Option(
            "--known-prime",
            help="Take the 2048-bit prime of RFC 3526 instead of making one. Making one takes seconds, rarely a"
            " minute; the well-known one is as strong and needs no wait.",
        ),
    ] = False,
) -> None:
    """Make two RSA keys and a Diffie-Hellman prime; nothing that exists is overwritten.

    \b
      ibkr-bridge oauth setup
      ibkr-bridge oauth setup --folder ~/.config/ibkr
    """
    from ibkr_bridge.upstream.webapi.oauth import dhparam, primes
    from ibkr_bridge.upstream.webapi.oauth.keys import GENERATOR

    names = ("private_signature", "public_signature", "private_encryption", "public_encryption", "dhparam")
    there = [f"{name}.pem" for name in names if (folder / f"{name}.pem").exists()]
    if there:
        fail([f"{folder} holds {', '.join(there)} already: choose another folder"])
    typer.echo("Making two RSA keys ...")
    files = _pair("signature") | _pair("encryption")
    if not known_prime:
        typer.echo("Making a prime of 2048 bits: seconds, rarely a minute ...")
    prime = primes.RFC_3526 if known_prime else primes.new_prime()
    files["dhparam.pem"] = dhparam.write(prime, GENERATOR)
    _write(folder, files)
    typer.echo(_NEXT.format(folder=folder.resolve(), portal=PORTAL))


def _several() -> None:
    """Prepare to sign in to IBKR's Web API without a gateway."""


def _pair(name: str) -> dict[str, bytes]:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=_EXPONENT, key_size=_KEY_BITS)
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    public = key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    return {f"private_{name}.pem": private, f"public_{name}.pem": public}


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    """For the owner's eyes alone. Ends with code 2 where they cannot be written."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, content in files.items():
            number = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(number, "wb") as file:
                file.write(content)
    except OSError as problem:
        fail([f"{problem.filename or folder}: {problem.strerror or problem}"])
