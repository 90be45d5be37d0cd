"""`dev.py bench`: every figure with its baseline, as a table and as JSON."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from bench import coalescing, durable, history, orders, simulator, start, ticks, webapi
from bench.report import Report

Measure = Callable[[Report, argparse.Namespace], Awaitable[None]]
MEASURES: dict[str, Measure] = {
    "orders": lambda report, options: orders.measure(report, options.orders),
    "webapi": lambda report, options: webapi.measure(report, min(options.orders, 40)),
    "coalescing": lambda report, _options: coalescing.measure(report),
    "durable": lambda report, options: durable.acknowledgement(report, options.orders),
    "throughput": lambda report, options: durable.throughput(report, options.orders),
    "past": lambda report, options: durable.long_past(report, options.orders, options.past),
    "start": lambda report, _options: start.measure(report),
    "history": lambda report, _options: history.measure(report),
    "simulator": lambda report, options: simulator.measure(report, options.resting),
    "ticks": lambda report, options: ticks.measure(report, options.ticks),
}


async def measure(options: argparse.Namespace) -> Report:
    report = Report()
    for name in options.only or MEASURES:
        print(f"{name} ...", file=sys.stderr)
        await MEASURES[name](report, options)
    return report


def main() -> int:
    parser = argparse.ArgumentParser(prog="dev.py bench", description=__doc__)
    names = ", ".join(MEASURES)
    parser.add_argument("--only", action="append", choices=MEASURES, metavar="NAME", help=f"only this: {names}")
    parser.add_argument("--orders", type=int, default=300, help="orders each way (default 300)")
    parser.add_argument("--past", type=int, default=1_000_000, help="orders in the long journal (default 1000000)")
    parser.add_argument("--ticks", type=int, default=100_000, help="ticks each way (default 100000)")
    parser.add_argument(
        "--resting", type=int, default=100_000, help="orders that weigh on the simulator (default 100000)"
    )
    parser.add_argument("--json", type=Path, help="where the JSON goes (default bench/results/latest.json)")
    options = parser.parse_args()
    logging.getLogger("ib_async").setLevel(logging.CRITICAL)
    report = asyncio.run(measure(options))
    print(report.table())
    # A part does not pass for the whole: it is written only where it is asked for.
    path = options.json or (None if options.only else Path("bench/results/latest.json"))
    if path is not None:
        report.write(path)
        print(f"\nJSON: {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
