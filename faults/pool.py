"""Seeds spread over processes; each is a world of its own, so nothing is lost by it."""

from __future__ import annotations

import logging
import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import islice
from typing import TypeVar

import structlog

W = TypeVar("W")
R = TypeVar("R")


def spread(work: Callable[[W], R], items: Iterable[W], workers: int) -> Iterator[R]:
    """What `work` makes of each item, as it is done. A seed replays only where sets keep their order."""
    os.environ["PYTHONHASHSEED"] = "0"  # of the processes that are started now
    context = multiprocessing.get_context("spawn")
    left = iter(items)
    with ProcessPoolExecutor(workers, context, initializer=_quiet) as pool:
        running: set[Future[R]] = {pool.submit(work, item) for item in islice(left, 2 * workers)}
        try:
            while running:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                running |= {pool.submit(work, item) for item in islice(left, len(done))}
                for future in done:
                    yield future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _quiet() -> None:
    """What the parts say of a bad day is not what is looked at here."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    for name in ("ib_async", "asyncio", "ibkr_bridge"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
