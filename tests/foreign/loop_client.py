"""ib_async or ib_insync on a string: every line of standard input calls its Client, every callback is a line out.

It is a process of its own because the elder of the two wants an event loop for itself. Beneath their IB classes both
have a Client that sends every request there is and tells its answers to a wrapper; here the wrapper only repeats them.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import threading
from datetime import UTC
from functools import partial
from importlib import import_module
from types import ModuleType, SimpleNamespace
from typing import Any

from line_speech import built, plain  # type: ignore[import-not-found]  # beside this file, which runs as a script

SIZES = {1: 0, 2: 3, 4: 5, 66: 69, 67: 70, 68: 71}
"""Both tell a price with its size, which others tell apart: the kind of the size by that of the price."""


def tell(name: str, *arguments: Any) -> None:
    sys.stdout.write(f"{json.dumps([name, plain(arguments)])}\n")
    sys.stdout.flush()


class Repeater:
    """A wrapper that knows every callback."""

    defaultTimezone = UTC  # noqa: N815 - the client reads it
    ib = SimpleNamespace(TimezoneTWS="US/Eastern")

    def __getattr__(self, name: str) -> Any:
        if name.startswith(("_", "tcp")):
            raise AttributeError(name)
        return partial(tell, name)

    def priceSizeTick(self, request_id: int, kind: int, price: float, size: float) -> None:  # noqa: N802
        tell("tickPrice", request_id, kind, price)
        if kind in SIZES:
            tell("tickSize", request_id, SIZES[kind], size)


async def live(library: ModuleType, port: int, client_id: int) -> None:
    client = library.Client(Repeater())
    client.MaxRequests = 0
    loop, done = asyncio.get_running_loop(), asyncio.Event()
    await client.connectAsync("127.0.0.1", port, client_id, timeout=10)
    tell("server", client.serverVersion())

    def obey(line: str) -> None:
        call, given = json.loads(line)
        getattr(client, call)(*(built(value, lambda name, fields: getattr(library, name)(**fields)) for value in given))

    def read() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(obey, line)
        loop.call_soon_threadsafe(done.set)

    threading.Thread(target=read, daemon=True).start()
    await done.wait()
    client.disconnect()


async def main() -> None:
    logging.basicConfig(level=logging.ERROR)
    name, port, client_id = sys.argv[1:]
    await live(import_module(name), int(port), int(client_id))


if __name__ == "__main__":
    asyncio.run(main())
