"""The tree drawn in the docstring is the tree in the code."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ibkr_bridge.domain import errors
from ibkr_bridge.domain.errors import BridgeError


def tree(kind: type[BridgeError]) -> Iterator[type[BridgeError]]:
    """Of the domain; a way out may have kinds of its own beneath."""
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield child
            yield from tree(child)


def test_the_docstring_draws_every_error_with_its_code() -> None:
    drawn = dict(re.findall(r"── (\w+) .*?\s(\S+\.\S+)$", errors.__doc__ or "", flags=re.MULTILINE))
    leaves = {kind.__name__: kind.code for kind in tree(BridgeError) if kind.code != BridgeError.code}
    assert {name: code for name, code in drawn.items() if name != "GuardDenied"} == leaves
    assert all(kind.__name__ in (errors.__doc__ or "") for kind in tree(BridgeError))


def test_codes_are_unique() -> None:
    codes = [kind.code for kind in tree(BridgeError) if kind.code != BridgeError.code]
    assert len(codes) == len(set(codes))
