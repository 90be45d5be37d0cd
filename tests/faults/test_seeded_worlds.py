"""Worlds in which everything goes wrong: the books balance, a story repeats itself, and broken services are caught."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def faults(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "faults", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )


def test_two_hundred_seeds_lose_nothing_double_nothing_and_claim_nothing_false() -> None:
    done = faults("--seeds", "200")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "200 passed, 0 failed" in done.stdout


def test_a_seed_tells_the_same_story_every_time() -> None:
    first, second = faults("--seed", "47"), faults("--seed", "47")
    assert first.stdout.count("caller") > 5, first.stdout + first.stderr
    assert first.stdout == second.stdout


def test_every_service_that_was_broken_on_purpose_is_caught() -> None:
    done = faults("--planted", "--seeds", "60")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "12 of 12 caught" in done.stdout
