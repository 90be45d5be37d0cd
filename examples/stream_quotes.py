"""Prints quotes as they change, and comes back after a loss: python examples/stream_quotes.py AAPL MSFT EUR.USD

Needs the library websockets. The address of the bridge is read from BRIDGE (ws://127.0.0.1:8000).
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Sequence

from websockets.asyncio.client import connect

BRIDGE = os.environ.get("BRIDGE", "ws://127.0.0.1:8000")


async def stream(symbols: Sequence[str]) -> None:
    # `connect` as an iterator waits a little longer after each failure; subscriptions are ours to repeat.
    async for socket in connect(f"{BRIDGE}/ws/stream"):
        await socket.send(json.dumps({"action": "subscribe", "symbols": list(symbols)}))
        async for message in socket:
            show(json.loads(message))


def show(message: dict[str, object]) -> None:
    match message["type"]:
        case "quote":
            print(f"{message['symbol']:<6} {message['bid']} / {message['ask']}  last {message['last']}")
        case "status":
            print(f"{message['symbol']:<6} is {message['status']}: {message['reason'] or 'prices flow again'}")
        case "error":
            print(f"{message['symbol']}: {message['detail']} {message['advice']}", file=sys.stderr)


if __name__ == "__main__":
    try:
        asyncio.run(stream(sys.argv[1:] or ["AAPL", "MSFT"]))
    except KeyboardInterrupt:
        sys.exit(0)
