"""`python -m bench.subject`: the service as a process of its own, with its journal's writes counted.

Settings come from the environment, as for `ibkr-bridge serve`, and no guard limits anything. It prints its URL once it
is ready, and then, for each line on standard input, how often its journal has been written to.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, cast
from unittest.mock import patch

from ibkr_bridge.config.load import examine
from ibkr_bridge.config.settings import GuardSettings
from ibkr_bridge.ports.journal import Entry, Journal
from ibkr_bridge.runtime.clock import SystemClock
from ibkr_bridge.runtime.journals import open_journal
from ibkr_bridge.runtime.loop import run
from ibkr_bridge.runtime.service import running
from ibkr_bridge.telemetry.logs import configure
from ibkr_bridge.upstream.pacing import Pacer
from ibkr_bridge.upstream.tws import adapter


@dataclass
class Counted:
    """A journal, and how often it was written to; everything else is the journal's own."""

    kept: Journal
    writes: int = 0

    async def append(self, entries: Sequence[Entry]) -> int:
        first = await self.kept.append(entries)
        self.writes += 1
        return first

    def __getattr__(self, name: str) -> Any:
        return getattr(self.kept, name)


async def serve(options: argparse.Namespace) -> int:
    settings = examine(env_file=None).settings.model_copy(update={"guards": GuardSettings.wide_open()})
    configure(settings.log)
    journal = Counted(await open_journal(settings.journal, SystemClock()))
    # The budget is IBKR's limit and not the service's: with a larger one the service's own can be seen.
    pacer = partial(Pacer, budget=options.budget, reserve=options.budget // 5)
    with patch.object(adapter, "Pacer", pacer) if options.budget else nullcontext():
        async with running(settings, journal=cast("Journal", journal)) as service:
            print(service.url, flush=True)
            loop = asyncio.get_running_loop()
            while await loop.run_in_executor(None, sys.stdin.readline):
                print(json.dumps({"writes": journal.writes}), flush=True)
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--budget", type=int, default=0, help="messages a second to the gateway instead of IBKR's")
    return run(serve(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
