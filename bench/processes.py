"""What is measured, each a process of its own, gone after the block: the demo, a gateway, a service on it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from faults.ports import reserved_port

_START = 30.0
_STOP = 10.0


@dataclass(frozen=True, slots=True)
class Demo:
    url: str
    tws_port: int
    webapi_port: int | None
    pid: int
    began: float
    """`time.perf_counter()` at the moment the process was asked for."""


@asynccontextmanager
async def demo(door: str = "tws") -> AsyncIterator[Demo]:
    with reserved_port() as port, reserved_port() as tws_port, reserved_port() as webapi_port:
        async with _demo(door, port, tws_port, webapi_port) as running:
            yield running


@asynccontextmanager
async def _demo(door: str, port: int, tws_port: int, webapi_port: int) -> AsyncIterator[Demo]:
    other = ("--upstream", "webapi", "--webapi-port", str(webapi_port)) if door == "webapi" else ()
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "ibkr_bridge",
        "demo",
        "--port",
        str(port),
        "--tws-port",
        str(tws_port),
        "--control-port",
        "0",
        "--seed",
        "1",
        *other,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        # Orders that go straight to the gateway are none of the service's: together they would be too many a second.
        env={**os.environ, "LOG_LEVEL": "warning", "IBKR_SIM_NO_PACING": "1"},
    )
    try:
        url = f"http://127.0.0.1:{port}"
        await _ready(url)
        yield Demo(url, tws_port, webapi_port if door == "webapi" else None, process.pid, began)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), _STOP)
        except TimeoutError:
            process.kill()
            await process.wait()


@asynccontextmanager
async def gateway() -> AsyncIterator[tuple[int, str]]:
    """A simulated gateway without IBKR's limits: its port, and the account of it that is traded."""
    ports = ("--tws-port", "0", "--control-port", "0", "--no-webapi", "--no-pacing")
    async with _child("ibkr_sim", "serve", *ports, "--seed", "1", "--ready-json", "--exit-with-parent") as (
        _process,
        line,
    ):
        told = json.loads(line)
        yield told["tws_port"], told["accounts"][0]


@dataclass(frozen=True, slots=True)
class Subject:
    """A service on a journal of its own."""

    url: str
    process: asyncio.subprocess.Process
    seconds: float
    """From the command until it was ready."""

    async def writes(self) -> int:
        """How often its journal has been written to."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(b"\n")
        async with asyncio.timeout(_STOP):
            return int(json.loads(await self.process.stdout.readline())["writes"])


@asynccontextmanager
async def subject(
    tws_port: int, account: str, folder: Path | None, *, client_id: int = 42, budget: int = 0, key: str = ""
) -> AsyncIterator[Subject]:
    """A service on the gateway, with its journal in that folder, or in memory; `budget` 0 keeps IBKR's."""
    journal = {"IBKR_SERVICE_JOURNAL_URL": "memory"}
    if folder is not None:
        journal = {
            "IBKR_SERVICE_JOURNAL_URL": f"sqlite:///{folder / 'journal.sqlite'}",
            "IBKR_SERVICE_AUDIT_KEY_FILE": str(folder / "audit.key"),
            "IBKR_SERVICE_AUDIT_MARK": str(folder / "audit.mark"),
            **({"IBKR_SERVICE_AUDIT_KEY": key} if key else {}),
        }
    environment = {
        "PORT": "0",
        "IB_PORT": str(tws_port),
        "IB_ACCOUNT": account,
        "IB_CLIENT_ID": str(client_id),
        "IBKR_SERVICE_WORLD": "simulated",
        "IBKR_SERVICE_READ_ONLY": "false",
        "LOG_LEVEL": "error",
        **journal,
    }
    began = time.perf_counter()
    async with _child("bench.subject", "--budget", str(budget), **environment) as (process, line):
        yield Subject(line.strip(), process, time.perf_counter() - began)


@asynccontextmanager
async def _child(
    module: str, *arguments: str, **environment: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """A Python process and its first line; it ends with its standard input, or is ended."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("IB_", "IBKR_"))}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**clean, **environment},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        async with asyncio.timeout(_START):
            line = await process.stdout.readline()
        assert line, f"{module} did not start; its own words are above"
        yield process, line.decode()
    finally:
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), _STOP)
        except TimeoutError:
            process.kill()
            await process.wait()


async def _ready(url: str) -> None:
    async with asyncio.timeout(_START), aiohttp.ClientSession() as http:
        while True:
            try:
                async with http.get(f"{url}/readyz") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientConnectionError:
                pass
            await asyncio.sleep(0.02)


def resident_megabytes(pid: int) -> float | None:
    """Of one process; None where the system does not tell through /proc."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return None
    found = re.search(r"VmRSS:\s+(\d+) kB", status.read_text())
    return int(found[1]) / 1024 if found else None
