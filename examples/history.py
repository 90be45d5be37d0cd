"""Writes bars into a CSV file as they arrive, and goes on after a break: python examples/history.py AAPL 1m 2026-01-01

Needs nothing but Python. The address of the bridge is read from BRIDGE (http://127.0.0.1:8000).
"""

from __future__ import annotations

import csv
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

BRIDGE = os.environ.get("BRIDGE", "http://127.0.0.1:8000")
COLUMNS = ("time", "open", "high", "low", "close", "volume", "wap", "count")
TRIES = 5


class Broken(Exception):
    """The bars are not whole; what was written is a whole beginning."""


def lines(symbol: str, bar: str, start: str) -> Iterator[dict[str, Any]]:
    """Every line of the answer. Raises Broken where it ends before its end."""
    query = urllib.parse.urlencode({"bar": bar, "start": start})
    address = f"{BRIDGE}/market/history/{urllib.parse.quote(symbol)}?{query}"
    request = urllib.request.Request(address, headers={"Accept": "application/x-ndjson"})  # noqa: S310  the user's own
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            for line in answer:
                yield json.loads(line, parse_float=str)  # digits as they were written
    except urllib.error.HTTPError as refusal:
        problem = json.load(refusal)
        sys.exit(f"{problem['detail']} {problem['advice']}")
    except OSError as problem:
        raise Broken(str(problem)) from problem


def bars(symbol: str, bar: str, start: str) -> Iterator[dict[str, Any]]:
    """Bars as they come. Raises Broken unless they were told to their end."""
    for record in lines(symbol, bar, start):
        if "time" in record:
            yield record
        elif "progress" in record:
            progress = record["progress"]
            print(f"\r{progress['percent']:>3} %, {progress['pieces']} pieces", end="", file=sys.stderr)
        elif "error" in record:
            raise Broken(record["error"]["detail"])
        elif "end" in record:
            return
    raise Broken("The answer has no end.")


def main(symbol: str, bar: str, start: str) -> None:
    path, last = Path(f"{symbol}-{bar}.csv".replace(" ", "")), ""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for attempt in range(TRIES):
            try:
                for record in bars(symbol, bar, last or start):
                    if record["time"] != last:
                        last = record["time"]
                        writer.writerow([record[name] for name in COLUMNS])
            except Broken as broken:
                print(f"\n{broken} Going on at {last or start}.", file=sys.stderr)
                time.sleep(2**attempt)
            else:
                print(f"\n{path}", file=sys.stderr)
                return
    sys.exit("Given up.")


if __name__ == "__main__":
    main(*(sys.argv[1:] or ["AAPL", "1m", time.strftime("%Y-%m-01")]))
