"""`dev.py faults`: play seeds in which everything goes wrong, and name those whose books do not balance."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Final

from faults import jobs, postgres
from faults.comparison import table
from faults.doors import Door
from faults.journals import MEMORY, POSTGRES, SQLITE
from faults.pool import spread
from faults.verdict import Verdict, tally

_EPILOG = """
examples:
  dev.py faults                          200 worlds at each door, on SQLite, in virtual time
  dev.py faults --door webapi --seeds 50
  dev.py faults --seeds 50 --journal postgres
  dev.py faults --seed 47                what happened in one world, and what everybody was told
  dev.py faults --planted                services broken on purpose: each must be caught
  dev.py faults --naive --seeds 50       the same worlds for a client as people write it, beside ours
  dev.py faults --real --seeds 20        real processes, sockets, disks, and kill -9
  dev.py faults --day                    25 hours at the Web API's door, with resets and a midnight
  dev.py faults --seeds 10000 --first 1000

A seed makes a simulated IBKR, callers that place, change and cancel, and bad luck. At the end the broker's ledger is
compared with the orders, the journal, the stream and every answer: nothing lost, nothing doubled, nothing false.
The exit code is 0 when all is well, 1 when books did not balance or a planted bug got away, 2 for wrong options.
"""

_DOORS: Final[Mapping[str, tuple[Door, ...]]] = {**{door.value: (door,) for door in Door}, "both": tuple(Door)}


def main() -> int:
    options = _options()
    kinds = ((options.day, _day), (options.seed is not None, _single), (options.planted, _planted))
    work = next((kind for chosen, kind in kinds if chosen), _naive if options.naive else _seeds)
    if options.journal == POSTGRES and (reason := postgres.reason_against()) is not None:
        sys.stderr.write(f"dev.py faults: {reason}\n")
        return 2
    try:
        with _journal(options.journal) as journal:
            return work(options, journal)
    except KeyboardInterrupt:
        return 130


def _options() -> argparse.Namespace:
    parser = _parser()
    options = parser.parse_args()
    if options.real and options.journal != SQLITE:
        parser.error("--real keeps its journals on SQLite")
    if options.planted and options.seed is not None:
        parser.error("--planted looks for the seeds itself: say how many it may try with --seeds")
    if (options.real or options.naive) and options.door == Door.WEBAPI:
        parser.error("--real and --naive are played at the TWS door")
    if options.day and options.door == Door.TWS:
        parser.error("--day is played at the Web API's door")
    if options.day and options.seeds is not None:
        parser.error("--day is one: --seed N plays another")
    options.doors = (Door.TWS,) if options.real or options.naive else _DOORS[options.door]
    return options


def _positive(text: str) -> int:
    """Raises argparse.ArgumentTypeError."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of 1 or more")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dev.py faults",
        description=__doc__,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seeds", type=_positive, metavar="N", help="how many (default 200; 20 with --real)")
    parser.add_argument("--first", type=int, default=1, metavar="N", help="the first seed (default 1)")
    parser.add_argument("--seed", type=int, metavar="N", help="only this one, with its story")
    parser.add_argument(
        "--door", choices=tuple(_DOORS), default="both", help="to IBKR; each seed is played at each (default both)"
    )
    parser.add_argument(
        "--journal", choices=(MEMORY, SQLITE, POSTGRES), default=SQLITE, help="where it is kept (default sqlite)"
    )
    parser.add_argument(
        "--workers", type=_positive, default=os.cpu_count() or 1, metavar="N", help="processes (default: one per core)"
    )
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument("--planted", action="store_true", help="services broken on purpose: each must be caught")
    kinds.add_argument("--naive", action="store_true", help="a client that retries on timeout, and ours beside it")
    kinds.add_argument("--real", action="store_true", help="real processes that are killed, in real time")
    kinds.add_argument("--day", action="store_true", help="25 hours of one service, without a pacing violation")
    return parser


@contextmanager
def _journal(kind: str) -> Iterator[str]:
    """What worlds are told of their journal: its kind, or the URL of a server."""
    if kind != POSTGRES:
        yield kind
        return
    with postgres.server() as url:
        yield url


def _range(options: argparse.Namespace) -> range:
    count = options.seeds or (20 if options.real else 200)
    return range(options.first, options.first + count)


def _worlds(options: argparse.Namespace, seeds: Sequence[int]) -> list[tuple[int, Door]]:
    return [(seed, door) for seed in seeds for door in options.doors]


def _play(options: argparse.Namespace, journal: str, seeds: Sequence[int], workers: int) -> Iterator[Verdict]:
    if options.real:
        return spread(jobs.real, seeds, workers)
    return spread(partial(jobs.ours, journal), _worlds(options, seeds), workers)


def _seeds(options: argparse.Namespace, journal: str) -> int:
    began = time.perf_counter()
    workers = options.workers * (2 if options.real else 1)  # real time is mostly waiting
    seeds = _range(options)
    found = tally(_told(_play(options, journal, seeds, workers), len(seeds) * len(options.doors)))
    took = time.perf_counter() - began
    print(f"{found.asked} orders, {len(found.struck)} kinds of IBKR's bad days, {took:.0f} s")
    print(f"{found.seeds - found.bad} passed, {found.bad} failed")
    return 1 if found.bad else 0


def _told(verdicts: Iterable[Verdict], count: int) -> Iterator[Verdict]:
    """Each complaint on standard output, the progress on standard error."""
    began, bad = time.perf_counter(), 0
    for number, verdict in enumerate(verdicts, start=1):
        bad += bool(verdict.complaints)
        for complaint in verdict.complaints:
            print(f"seed {verdict.seed} at {verdict.door}: {complaint}", flush=True)
        if number % min(100, max(10, count // 10)) == 0:
            sys.stderr.write(f"{number} of {count} seeds, {bad} bad, {time.perf_counter() - began:.0f} s\n")
        yield verdict


def _single(options: argparse.Namespace, journal: str) -> int:
    seeds = [options.seed]
    verdicts = list(spread(jobs.naive, seeds, 1) if options.naive else _play(options, journal, seeds, 1))
    for verdict in verdicts:
        print(f"--- at {verdict.door}")
        print("\n".join(verdict.story))
        print("\n".join(map(str, verdict.complaints)) or "the books balance")
    return 1 if any(verdict.complaints for verdict in verdicts) else 0


def _planted(options: argparse.Namespace, journal: str) -> int:
    """The first seed that catches each bug, and what the books then say."""
    seeds = _range(options)
    bugs = jobs.bugs(options.doors)
    caught = 0
    for catch in spread(partial(jobs.catch, journal, seeds), bugs, options.workers):
        caught += catch.seed is not None
        said = f"caught by seed {catch.seed}: {catch.complaint}" if catch.seed else f"NOT CAUGHT by {len(seeds)} seeds"
        print(f"{catch.name} at {catch.door}: {said}", flush=True)
    print(f"{caught} of {len(bugs)} caught")
    return 0 if caught == len(bugs) else 1


def _day(options: argparse.Namespace, journal: str) -> int:
    """In a process of its own, where sets keep their order."""
    [day] = spread(partial(jobs.a_day, journal), [options.first if options.seed is None else options.seed], 1)
    print(day)
    return 1 if day.complaints else 0


def _naive(options: argparse.Namespace, journal: str) -> int:
    """Both play the same worlds; only the service must come out clean."""
    seeds = _range(options)
    ours = tally(_told(_play(options, journal, seeds, options.workers), len(seeds)))
    theirs = tally(spread(jobs.naive, seeds, options.workers))
    print(table({"the service": ours, "a naive client": theirs}))
    return 1 if ours.bad else 0


if __name__ == "__main__":
    sys.exit(main())
