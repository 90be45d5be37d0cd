"""`dev.py faults`: play seeds, compare the books, and name the seed that does not balance."""

from __future__ import annotations

import argparse
import sys
import time

import structlog

from faults.books import complaints
from faults.world import Outcome, play

_PROGRESS = 50


def main() -> int:
    parser = argparse.ArgumentParser(prog="dev.py faults", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many (default 200)")
    parser.add_argument("--first", type=int, default=1, help="the first seed (default 1)")
    parser.add_argument("--seed", type=int, help="only this one, with its story")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    seeds = [options.seed] if options.seed is not None else range(options.first, options.first + options.seeds)
    began, bad = time.perf_counter(), 0
    for number, seed in enumerate(seeds, start=1):
        outcome = play(seed)
        found = complaints(outcome)
        if options.seed is not None:
            _story(outcome)
        bad += bool(found)
        for complaint in found:
            print(f"seed {seed}: {complaint}")
        if number % _PROGRESS == 0:
            print(f"{number} seeds, {bad} bad, {time.perf_counter() - began:.0f} s", file=sys.stderr)
    print(f"{len(seeds) - bad} passed, {bad} failed")
    return 1 if bad else 0


def _story(outcome: Outcome) -> None:
    print("\n".join(outcome.happened))
    for order in reversed(outcome.orders):
        print(order.id, order.client_order_id, order.status, order.filled_qty, [item.text for item in order.evidence])


if __name__ == "__main__":
    sys.exit(main())
