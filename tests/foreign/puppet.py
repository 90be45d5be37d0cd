"""A client that lives in a process of its own, called and heard line by line."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

PATIENCE = 10.0
LONGEST_LINE = 1 << 22


class Puppet:
    """`puppet.reqIds(1)` calls the client; `heard["nextValidId"]` holds the arguments of every event of that name."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.heard: dict[str, list[list[Any]]] = defaultdict(list)
        self._news = asyncio.Event()

    def __getattr__(self, name: str) -> Callable[..., None]:
        def call(*given: object) -> None:
            assert self._process.stdin is not None
            self._process.stdin.write(f"{json.dumps([name, given])}\n".encode())

        return call

    async def listen(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            name, arguments = json.loads(line, parse_float=Decimal)
            self.heard[name].append(arguments)
            self._news.set()

    async def until(self, condition: Callable[[], Any], why: str = "") -> Any:
        """What the condition is once it is true."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not (found := condition()):
                    self._news.clear()
                    await self._news.wait()
                return found
        except TimeoutError:
            latest = {name: rows[-1] for name, rows in self.heard.items() if name in ("error", "info", "failed")}
            raise AssertionError(f"waited in vain for {why or 'an event'}; the last of each: {latest}") from None

    async def event(self, name: str, *first: object, count: int = 1) -> list[list[Any]]:
        """Every event of that name that begins with these arguments, once there are so many."""

        wanted = list(map(str, first))  # one client tells some request ids as text

        def found() -> list[list[Any]]:
            rows = [row for row in self.heard[name] if list(map(str, row[: len(first)])) == wanted]
            return rows if len(rows) >= count else []

        answer: list[list[Any]] = await self.until(found, f"{name} {first}")
        return answer


@asynccontextmanager
async def puppet(*command: str, environment: Mapping[str, str]) -> AsyncIterator[Puppet]:
    """The client's process; what it writes on standard error is a failure of the test."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment,
        limit=LONGEST_LINE,
    )
    one = Puppet(process)
    listening = asyncio.create_task(one.listen())
    try:
        yield one
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(PATIENCE):
                await asyncio.gather(listening, process.wait())
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
            listening.cancel()
            assert process.stderr is not None
            complaints = (await process.stderr.read()).decode()
            assert not complaints, complaints


def made(name: str, **fields: object) -> dict[str, object]:
    """An object of one of the client's classes."""
    return {"class": name, "fields": fields}


def exact(value: object) -> Decimal:
    return Decimal(str(value))


def exactly(values: Sequence[object]) -> list[Decimal]:
    return [exact(value) for value in values]
