"""Worlds in which everything goes wrong: the books balance, a story repeats itself, and broken services are caught."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from faults import postgres

ROOT = Path(__file__).parents[2]


def faults(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "faults", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )


def passed(done: subprocess.CompletedProcess[str], count: int) -> None:
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{count} passed, 0 failed" in done.stdout


def kinds(done: subprocess.CompletedProcess[str]) -> int:
    found = re.search(r"(\d+) kinds of IBKR's bad days", done.stdout)
    assert found is not None, done.stdout
    return int(found[1])


def test_a_hundred_seeds_at_the_tws_door_lose_nothing_double_nothing_and_claim_nothing_false() -> None:
    done = faults("--door", "tws", "--seeds", "100")
    passed(done, 100)
    assert kinds(done) >= 24, done.stdout


def test_sixty_seeds_at_the_web_apis_door_are_as_clean_and_keep_its_limits() -> None:
    done = faults("--door", "webapi", "--seeds", "60")
    passed(done, 60)
    assert kinds(done) >= 36, done.stdout


@pytest.mark.skipif(postgres.reason_against() is not None, reason=str(postgres.reason_against()))
def test_ten_seeds_at_both_doors_on_postgresql_are_as_clean() -> None:
    passed(faults("--seeds", "10", "--first", "201", "--journal", "postgres"), 20)


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is not a Windows word")
def test_twelve_seeds_with_real_processes_and_kill_9_are_as_clean() -> None:
    passed(faults("--real", "--seeds", "12", "--workers", "4"), 12)


def test_options_that_make_no_sense_together_are_refused() -> None:
    refused = (
        ("--real", "--journal", "postgres"),
        ("--planted", "--seed", "3"),
        ("--seeds", "0"),
        ("--door", "front"),
        ("--naive", "--door", "webapi"),
        ("--day", "--door", "tws"),
        ("--day", "--seeds", "2"),
    )
    for words in refused:
        assert faults(*words).returncode == 2


def test_a_seed_tells_the_same_story_every_time() -> None:
    first, second = faults("--seed", "44"), faults("--seed", "44")
    for door in ("tws", "webapi"):
        assert f"--- at {door}" in first.stdout, first.stdout + first.stderr
    assert first.stdout.count("placed:") > 4
    assert first.stdout == second.stdout


def test_every_service_that_was_broken_on_purpose_is_caught() -> None:
    done = faults("--planted", "--seeds", "100")
    assert done.returncode == 0, done.stdout + done.stderr
    caught = re.search(r"(\d+) of (\d+) caught", done.stdout)
    assert caught is not None
    assert caught[1] == caught[2]
    assert int(caught[1]) >= 27


def test_a_client_that_retries_on_timeout_doubles_orders_in_worlds_that_the_service_survives() -> None:
    done = faults("--naive", "--seeds", "12", "--first", "401")
    assert done.returncode == 0, done.stdout + done.stderr
    doubled = re.search(r"orders doubled +(\d+) +(\d+)", done.stdout)
    assert doubled is not None, done.stdout
    assert int(doubled[1]) == 0
    assert int(doubled[2]) > 0
