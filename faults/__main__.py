"""`dev.py faults`: play seeds in which everything goes wrong, and name those whose books do not balance."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial

from faults import jobs, postgres
from faults.comparison import table
from faults.journals import MEMORY, POSTGRES, SQLITE
from faults.pool import spread
from faults.verdict import Verdict, tally

_EPILOG = """
examples:
  dev.py faults                          200 worlds on SQLite, in virtual time
  dev.py faults --seeds 50 --journal postgres
  dev.py faults --seed 47                what happened in one world, and what everybody was told
  dev.py faults --planted                services broken on purpose: each must be caught
  dev.py faults --naive --seeds 50       the same worlds for a client as people write it, beside ours
  dev.py faults --real --seeds 20        real processes, sockets, disks, and kill -9
  dev.py faults --seeds 10000 --first 1000

A seed makes a simulated IBKR, callers that place, change and cancel, and bad luck. At the end the broker's ledger is
compared with the orders, the journal, the stream and every answer: nothing lost, nothing doubled, nothing false.
The exit code is 0 when all is well, 1 when books did not balance or a planted bug got away, 2 for wrong options.
"""


def main() -> int:
    options = _options()
    work = _single if options.seed is not None else _planted if options.planted else _naive if options.naive else _seeds
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
        "--journal", choices=(MEMORY, SQLITE, POSTGRES), default=SQLITE, help="where it is kept (default sqlite)"
    )
    parser.add_argument(
        "--workers", type=_positive, default=os.cpu_count() or 1, metavar="N", help="processes (default: one per core)"
    )
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument("--planted", action="store_true", help="services broken on purpose: each must be caught")
    kinds.add_argument("--naive", action="store_true", help="a client that retries on timeout, and ours beside it")
    kinds.add_argument("--real", action="store_true", help="real processes that are killed, in real time")
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


def _play(options: argparse.Namespace, journal: str) -> Callable[[int], Verdict]:
    return jobs.real if options.real else partial(jobs.ours, journal)


def _seeds(options: argparse.Namespace, journal: str) -> int:
    began = time.perf_counter()
    workers = options.workers * (2 if options.real else 1)  # real time is mostly waiting
    verdicts = _told(spread(_play(options, journal), _range(options), workers), len(_range(options)))
    found = tally(verdicts)
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
            print(f"seed {verdict.seed}: {complaint}", flush=True)
        if number % min(100, max(10, count // 10)) == 0:
            sys.stderr.write(f"{number} of {count} seeds, {bad} bad, {time.perf_counter() - began:.0f} s\n")
        yield verdict


def _single(options: argparse.Namespace, journal: str) -> int:
    play = jobs.naive if options.naive else _play(options, journal)
    [verdict] = spread(play, [options.seed], 1)
    print("\n".join(verdict.story))
    print("\n".join(map(str, verdict.complaints)) or "the books balance")
    return 1 if verdict.complaints else 0


def _planted(options: argparse.Namespace, journal: str) -> int:
    """The first seed that catches each bug, and what the books then say."""
    seeds = _range(options)
    names = jobs.bugs()
    caught = 0
    for catch in spread(partial(jobs.catch, journal, seeds), names, options.workers):
        caught += catch.seed is not None
        said = f"caught by seed {catch.seed}: {catch.complaint}" if catch.seed else f"NOT CAUGHT by {len(seeds)} seeds"
        print(f"{catch.name}: {said}", flush=True)
    print(f"{caught} of {len(names)} caught")
    return 0 if caught == len(names) else 1


def _naive(options: argparse.Namespace, journal: str) -> int:
    """Both play the same worlds; only the service must come out clean."""
    seeds = _range(options)
    ours = tally(_told(spread(partial(jobs.ours, journal), seeds, options.workers), len(seeds)))
    theirs = tally(spread(jobs.naive, seeds, options.workers))
    print(table({"the service": ours, "a naive client": theirs}))
    return 1 if ours.bad else 0


if __name__ == "__main__":
    sys.exit(main())
