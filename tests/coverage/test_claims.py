"""The claims of the coverage page belong to tours that exist; each tour itself shows that it still keeps them."""

from __future__ import annotations

import asyncio
import json
import struct
from pathlib import Path

import pytest

from ibkr_sim.testing.running import RunningSimulator
from tests.coverage.merge import merge
from tests.coverage.recorder import Crossing, claims, missing, recorded, write

ROOT = Path(__file__).parents[2]
HELLO, START, ASK_TIME = b"v157..200", b"71\x002\x001\x00\x00", b"49\x001\x00"


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


def test_a_tour_that_does_less_than_it_claims_is_told_what_is_missing() -> None:
    test, told = next(iter(claims().items()))
    direction, numbers = next((key, numbers) for key, numbers in told.items() if key != "client")
    version, way = direction.split()
    assert Crossing(int(version), way, int(numbers.split()[0])) in missing(test, set())
    assert missing("a test that claims nothing", set()) == []


def test_only_what_every_run_has_seen_is_claimed_and_other_tours_keep_their_claims(tmp_path: Path) -> None:
    target, often, once = tmp_path / "seen.json", Crossing(178, "in", 1), Crossing(178, "out", 14)
    target.write_text(json.dumps({"other": {"client": "ibapi", "157 in": "71"}}))
    write(tmp_path / "first", "tour", "ib_async", {often, once})
    write(tmp_path / "second", "tour", "ib_async", {often})
    merge([tmp_path / "first", tmp_path / "second"], target)
    assert json.loads(target.read_text()) == {
        "other": {"client": "ibapi", "157 in": "71"},
        "tour": {"client": "ib_async", "178 in": "1"},
    }


@pytest.mark.ibkr_sim(version_cap=176, webapi=False)
async def test_what_crosses_the_door_is_noted_in_both_directions(ibkr_sim: RunningSimulator) -> None:
    with recorded() as seen:
        reader, writer = await asyncio.open_connection(ibkr_sim.host, ibkr_sim.port)
        writer.write(b"API\0" + b"".join(struct.pack(">I", len(text)) + text for text in (HELLO, START, ASK_TIME)))
        async with asyncio.timeout(10):
            while Crossing(176, "out", 49) not in seen:
                await reader.read(65536)
        writer.close()
        await writer.wait_closed()
    assert seen == {Crossing(176, "in", number) for number in (71, 49)} | {
        Crossing(176, "out", number) for number in (15, 9, 4, 49)
    }
