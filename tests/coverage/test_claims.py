"""The claims of the coverage page belong to tours that exist; each tour itself shows that it still keeps them."""

from __future__ import annotations

from pathlib import Path

from tests.coverage.recorder import claims

ROOT = Path(__file__).parents[2]


def test_every_claim_belongs_to_a_tour_that_exists() -> None:
    for test in claims():
        path, _, name = test.partition("::")
        assert f"def {name.partition('[')[0]}(" in (ROOT / path).read_text(encoding="utf-8"), test


def test_each_of_the_clients_has_claims() -> None:
    assert {told["client"] for told in claims().values()} == {
        "ib_async",
        "ib_insync",
        "ibapi",
        "nautilus-ibapi",
        "@stoqey/ib",
    }
