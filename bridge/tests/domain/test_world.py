from __future__ import annotations

import pytest

from ibkr_bridge.domain.world import World, strangers, world_of


@pytest.mark.parametrize(
    ("account", "world"),
    [
        ("DU9912345", World.SIMULATED),
        ("DF9900001", World.SIMULATED),
        ("DU1234567", World.PAPER),
        ("DUP123456", World.PAPER),
        ("DF1234567", World.PAPER),
        ("U1234567", World.LIVE),
        ("F1234567", World.LIVE),
        ("", World.LIVE),
        ("XDU991234", World.LIVE),
    ],
)
def test_an_account_belongs_to_one_world_and_what_is_not_recognised_counts_as_live(account: str, world: World) -> None:
    assert world_of(account) is world


def test_one_foreign_account_is_enough_to_be_noticed() -> None:
    assert strangers(World.PAPER, ["DU1234567", "U1234567"]) == ("U1234567",)
