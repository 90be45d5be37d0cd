"""Simulated, paper and live: three worlds, told apart by the account ids that the broker itself reports."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum


class World(StrEnum):
    SIMULATED = "simulated"
    PAPER = "paper"
    LIVE = "live"


_SIMULATED = re.compile(r"D[UF]99\d+")
_PAPER = re.compile(r"D[A-Z]{1,2}\d+")


def world_of(account: str) -> World:
    """Paper ids begin with D: DU, DUP, DF (TWS API, "Paper Trading"). What is not recognised counts as live."""
    if _SIMULATED.fullmatch(account):
        return World.SIMULATED
    if _PAPER.fullmatch(account):
        return World.PAPER
    return World.LIVE


def strangers(expected: World, accounts: Iterable[str]) -> tuple[str, ...]:
    """The accounts that do not belong to the expected world."""
    return tuple(account for account in accounts if world_of(account) is not expected)
