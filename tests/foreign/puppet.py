"""A client that lives in a process of its own, called and heard line by line."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PATIENCE = 30.0
TICKS = frozenset({"tickPrice", "tickSize", "tickGeneric", "tickString"})
LONGEST_LINE = 1 << 22


class Puppet:
    """`puppet.reqIds(1)` calls the client; `heard["nextValidId"]` holds the arguments of every event of that name."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.heard: dict[str, list[list[Any]]] = defaultdict(list)
        self.ticks: dict[int, dict[int, Any]] = defaultdict(dict)
        """The latest of each kind, by request id; numbers as numbers."""
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
            if name in TICKS:
                request_id, kind, value = arguments[:3]
                self.ticks[request_id][int(kind)] = value if name == "tickString" else float(value)
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

    async def becomes(self, tell: Callable[[], Any], known: object) -> None:
        """Wait until what is told is what is known."""
        with suppress(AssertionError):
            await self.until(lambda: tell() == known)
        assert tell() == known

    def rows(self, name: str, request_id: int) -> list[list[Any]]:
        """What events of that name have said of a request, without its id."""
        return [row[1:] for row in self.heard[name] if str(row[0]) == str(request_id)]

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


def python_puppet(
    script: str, *arguments: object, installed: Path | None = None
) -> AbstractAsyncContextManager[Puppet]:
    """A client written in Python; `installed` is the folder that it is in, if that is not the tests' environment."""
    environment = {**os.environ} if installed is None else {**os.environ, "PYTHONPATH": str(installed)}
    return puppet(sys.executable, str(HERE / script), *map(str, arguments), environment=environment)


def made(name: str, **fields: object) -> dict[str, object]:
    """An object of one of the client's classes."""
    return {"class": name, "fields": fields}


def same(told: object, known: object) -> bool:
    """Whether a value as a client tells it is the one that is known: numbers as numbers, nothing as empty text."""
    if isinstance(known, bool):
        return bool(told) is known
    if isinstance(known, int | float | Decimal):
        return told is not None and float(str(told)) == float(known)
    return ("" if told is None else str(told)) == str(known)


def agree(told: Mapping[str, Any], **known: object) -> None:
    """Every field that is known is told so."""
    wrong = {name: (told.get(name), value) for name, value in known.items() if not same(told.get(name), value)}
    assert not wrong, f"told and known: {wrong}"


def exact(value: object) -> Decimal:
    return Decimal(str(value))


def exactly(values: Sequence[object]) -> list[Decimal]:
    return [exact(value) for value in values]
