"""`dev.py bench`: every figure with its baseline, as a table and as JSON."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from pathlib import Path

from bench import orders, start, ticks
from bench.report import Report


async def measure(options: argparse.Namespace) -> Report:
    report = Report()
    print(f"orders: {options.orders} each way ...", file=sys.stderr)
    await orders.measure(report, options.orders)
    print("start and memory ...", file=sys.stderr)
    await start.measure(report)
    print(f"ticks: {options.ticks} each way ...", file=sys.stderr)
    await ticks.measure(report, options.ticks)
    return report


def main() -> int:
    parser = argparse.ArgumentParser(prog="dev.py bench", description=__doc__)
    parser.add_argument("--orders", type=int, default=300, help="orders each way (default 300)")
    parser.add_argument("--ticks", type=int, default=100_000, help="ticks each way (default 100000)")
    parser.add_argument("--json", type=Path, default=Path("bench/results/latest.json"), help="where the JSON goes")
    options = parser.parse_args()
    logging.getLogger("ib_async").setLevel(logging.CRITICAL)
    report = asyncio.run(measure(options))
    report.write(options.json)
    print(report.table())
    print(f"\nJSON: {options.json}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
