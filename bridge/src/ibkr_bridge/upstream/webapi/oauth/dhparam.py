"""Diffie-Hellman parameters as PEM (PKCS #3): two numbers, read and written. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

_SEQUENCE: Final = 0x30
_INTEGER: Final = 0x02
_LONG: Final = 0x80
_PEM: Final = re.compile(rb"-----BEGIN DH PARAMETERS-----(.*?)-----END DH PARAMETERS-----", re.DOTALL)


def read(pem: bytes) -> tuple[int, int]:
    """Prime and generator. Raises ValueError."""
    found = _PEM.search(pem)
    if found is None:
        raise ValueError("no DH PARAMETERS in it")
    try:
        content, _rest = _element(base64.b64decode(b"".join(found[1].split()), validate=True), _SEQUENCE)
        prime, content = _element(content, _INTEGER)
        generator, _content = _element(content, _INTEGER)
    except (binascii.Error, IndexError) as problem:
        raise ValueError("it is cut or damaged") from problem
    return int.from_bytes(prime, "big"), int.from_bytes(generator, "big")


def write(prime: int, generator: int) -> bytes:
    text = base64.b64encode(_coded(_SEQUENCE, _number(prime) + _number(generator)))
    lines = [text[start : start + 64] for start in range(0, len(text), 64)]
    return b"\n".join((b"-----BEGIN DH PARAMETERS-----", *lines, b"-----END DH PARAMETERS-----", b""))


def _element(data: bytes, tag: int) -> tuple[bytes, bytes]:
    """The first one's content, and what follows it."""
    if data[0] != tag:
        raise ValueError("it holds something else")
    length, start = data[1], 2
    if length & _LONG:
        start += length & ~_LONG
        length = int.from_bytes(data[2:start], "big")
    if start + length > len(data):
        raise ValueError("it is cut")
    return data[start : start + length], data[start + length :]


def _number(value: int) -> bytes:
    return _coded(_INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _coded(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < _LONG:
        return bytes((tag, length)) + content
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, _LONG | len(size))) + size + content
