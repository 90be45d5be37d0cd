"""The demo as a user starts it: a process of its own, on free ports, gone after the block."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

_START = 30.0
_STOP = 10.0


@dataclass(frozen=True, slots=True)
class Demo:
    url: str
    tws_port: int
    pid: int
    began: float
    """`time.perf_counter()` at the moment the process was asked for."""


@asynccontextmanager
async def demo() -> AsyncIterator[Demo]:
    port, tws_port = free_port(), free_port()
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
        "--seed",
        "1",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "LOG_LEVEL": "warning"},
    )
    try:
        url = f"http://127.0.0.1:{port}"
        await _ready(url)
        yield Demo(url, tws_port, process.pid, began)
    finally:
        process.send_signal(signal.SIGTERM)
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


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def resident_megabytes(pid: int) -> float | None:
    """Of one process; None where the system does not tell through /proc."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return None
    found = re.search(r"VmRSS:\s+(\d+) kB", status.read_text())
    return int(found[1]) / 1024 if found else None
