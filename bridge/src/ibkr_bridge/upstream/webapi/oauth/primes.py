"""Safe primes for the Diffie-Hellman agreement: a new one, or a well-known one."""

from __future__ import annotations

import warnings
from typing import Final

from cryptography.utils import CryptographyDeprecationWarning

from ibkr_bridge.upstream.webapi.oauth.keys import GENERATOR

BITS: Final = 2048
RFC_3526: Final = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD"
    "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F"
    "83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B"
    "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510"
    "15728E5A8AACAA68FFFFFFFFFFFFFFFF",
    16,
)
"""The 2048-bit group of RFC 3526, section 3."""


def new_prime(bits: int = BITS) -> int:
    """Takes seconds, and now and then a minute."""
    with warnings.catch_warnings():
        # The library advises against this kind of agreement; IBKR's handshake is one all the same.
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        from cryptography.hazmat.primitives.asymmetric import dh  # noqa: PLC0415  the import warns

        return dh.generate_parameters(generator=GENERATOR, key_size=bits).parameter_numbers().p
