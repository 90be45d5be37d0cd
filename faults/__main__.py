"""`dev.py faults`: play seeds, compare the books, and name the seed that does not balance."""

from __future__ import annotations

import argparse
import sys
import time

import structlog

from faults.books import complaints
from faults.planted import PLANTED
from faults.world import Planted, play

_PROGRESS = 50


def main() -> int:
    parser = argparse.ArgumentParser(prog="dev.py faults", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many (default 200)")
    parser.add_argument("--first", type=int, default=1, help="the first seed (default 1)")
    parser.add_argument("--seed", type=int, help="only this one, with its story")
    parser.add_argument("--planted", action="store_true", help="services broken on purpose: each must be caught")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    if options.seed is not None:
        return _story(options.seed)
    return _planted(options.seeds) if options.planted else _seeds(options.first, options.seeds)


def _seeds(first: int, count: int) -> int:
    began, bad = time.perf_counter(), 0
    for number, seed in enumerate(range(first, first + count), start=1):
        found = complaints(play(seed))
        bad += bool(found)
        for complaint in found:
            print(f"seed {seed}: {complaint}")
        if number % _PROGRESS == 0:
            print(f"{number} seeds, {bad} bad, {time.perf_counter() - began:.0f} s", file=sys.stderr)
    print(f"{count - bad} passed, {bad} failed")
    return 1 if bad else 0


def _planted(seeds: int) -> int:
    """The first seed that catches each bug, and what the books then say."""
    caught = 0
    for name, bug in PLANTED.items():
        seed, complaint = _caught(bug, seeds)
        caught += seed is not None
        print(
            f"{name}: {f'caught by seed {seed}: {complaint}' if seed else f'NOT CAUGHT by {seeds} seeds'}", flush=True
        )
    print(f"{caught} of {len(PLANTED)} caught")
    return 0 if caught == len(PLANTED) else 1


def _caught(bug: Planted, seeds: int) -> tuple[int | None, str]:
    for seed in range(1, seeds + 1):
        found = complaints(play(seed, bug))
        if found:
            return seed, found[0]
    return None, ""


def _story(seed: int) -> int:
    outcome = play(seed)
    print("\n".join(outcome.happened))
    for order in reversed(outcome.orders):
        evidence = [item.text for item in order.evidence]
        print(order.id, order.client_order_id, order.status, order.filled_qty, *evidence)
    found = complaints(outcome)
    print("\n".join(found) or "the books balance")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
