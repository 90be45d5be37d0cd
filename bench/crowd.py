"""`python -m bench.crowd PORT CLIENTS CONID ...`: API clients that subscribe to quotes and count what they are sent.

It prints `ready` once all have subscribed, and for each line on standard input how many messages have come until then.
"""

from __future__ import annotations

import asyncio
import struct
import sys
from collections.abc import Sequence
from contextlib import suppress

_LENGTH = struct.Struct(">I")
_CHUNK = 1 << 18


class Client:
    """Reads as fast as it can, and looks at nothing but where each message ends."""

    def __init__(self) -> None:
        self.messages = 0

    async def subscribe(self, port: int, client_id: int, conids: Sequence[int]) -> asyncio.StreamReader:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=_CHUNK)
        writer.write(b"API\0" + _frame(b"v157..178"))
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        await reader.readexactly(length)
        writer.write(_message(71, 2, client_id, ""))
        for number, conid in enumerate(conids):
            contract = (conid, "", "", "", "0.0", "", "", "SMART", "", "", "", "")
            writer.write(_message(1, 11, number, *contract, 0, "", 0, 0, ""))
        await writer.drain()
        self._writer = writer
        return reader

    async def count(self, reader: asyncio.StreamReader) -> None:
        rest = b""
        with suppress(ConnectionError):
            while chunk := await reader.read(_CHUNK):
                rest = self._tell(rest + chunk)

    def _tell(self, data: bytes) -> bytes:
        at, end = 0, len(data) - _LENGTH.size
        while at <= end:
            after: int = at + _LENGTH.size + _LENGTH.unpack_from(data, at)[0]
            if after > len(data):
                break
            at, self.messages = after, self.messages + 1
        return data[at:]


def _frame(payload: bytes) -> bytes:
    return _LENGTH.pack(len(payload)) + payload


def _message(*fields: object) -> bytes:
    return _frame("".join(f"{field}\0" for field in fields).encode())


async def main(port: int, clients: int, conids: Sequence[int]) -> None:
    crowd = [Client() for _ in range(clients)]
    async with asyncio.TaskGroup() as tasks:
        reading = [
            tasks.create_task(client.count(await client.subscribe(port, number + 1, conids)))
            for number, client in enumerate(crowd)
        ]
        print("ready", flush=True)
        loop = asyncio.get_running_loop()
        while await loop.run_in_executor(None, sys.stdin.readline):
            print(sum(client.messages for client in crowd), flush=True)
        for task in reading:
            task.cancel()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), [int(conid) for conid in sys.argv[3:]]))
