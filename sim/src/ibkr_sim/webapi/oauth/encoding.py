"""Percent-encoding and base strings (RFC 5849 section 3.4.1), and the Authorization header (section 3.5.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import quote, unquote

_PAIR: Final = re.compile(r'\s*([A-Za-z0-9_]+)="([^"]*)"\s*')
_UNSIGNED: Final = frozenset({"realm", "oauth_signature"})


class Malformed(Exception):
    """A header that does not follow the specification."""


def percent_encoded(text: str) -> str:
    """Everything but letters, digits, `-`, `.`, `_` and `~` (RFC 5849 section 3.6)."""
    return quote(text, safe="-._~")


def parse_authorization(header: str) -> Mapping[str, str]:
    """The parameters of an OAuth header as they stand there, the realm among them. Raises Malformed."""
    scheme, _blank, rest = header.partition(" ")
    if scheme.lower() != "oauth":
        raise Malformed("not an OAuth header")
    parameters: dict[str, str] = {}
    for part in rest.split(","):
        match = _PAIR.fullmatch(part)
        if match is None or match[1] in parameters:
            raise Malformed(f"cannot read {part.strip()[:60]!r}")
        parameters[match[1]] = match[2]
    return MappingProxyType(parameters)


def signature_of(parameters: Mapping[str, str]) -> str:
    """In base64. Raises Malformed."""
    if "oauth_signature" not in parameters:
        raise Malformed("no oauth_signature")
    return unquote(parameters["oauth_signature"])


def base_string(method: str, url: str, parameters: Mapping[str, str]) -> str:
    """What is signed. The values count as they stand in the header: clients encode them there and here alike."""
    signed = "&".join(f"{name}={parameters[name]}" for name in sorted(parameters.keys() - _UNSIGNED))
    return f"{method.upper()}&{percent_encoded(url)}&{percent_encoded(signed)}"
