"""A simulator of our own as a child process, and the proof that it is the one at the far end."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import secrets
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from ibkr_bridge.domain.errors import WorldMismatch
from ibkr_bridge.domain.world import World, strangers

_START_TIMEOUT = 20.0
_STOP_TIMEOUT = 5.0
_ASK_TIMEOUT = 5.0


class SimulatorError(Exception):
    """The child did not come up; the message is one line for a person."""


@dataclass(frozen=True, slots=True)
class Child:
    """A simulator that we started. Its nonce went through a pipe that nobody else can read."""

    tws_port: int
    webapi_port: int | None
    control_port: int
    accounts: tuple[str, ...]
    nonce: str = field(repr=False)
    process: asyncio.subprocess.Process = field(repr=False)

    async def admit(self, accounts: tuple[str, ...], our_end: tuple[str, int]) -> None:
        """Raises WorldMismatch unless the child itself says that our socket ends at it, and its accounts are DU99."""
        challenge = secrets.token_hex(16)
        try:
            answer = await asyncio.to_thread(self._identity, challenge)
        except (OSError, ValueError) as problem:
            raise WorldMismatch(f"The simulator does not prove itself: {problem}") from problem
        if not self._proven(answer, challenge):
            raise WorldMismatch("The simulator's proof does not fit: the far end is not the child that was started.")
        peers = {client["peer"] for client in answer["clients"]} | set(answer["webapi_peers"])
        if f"{our_end[0]}:{our_end[1]}" not in peers:
            raise WorldMismatch("The connection does not end at the simulator that was started.")
        if tuple(answer["accounts"]) != accounts or strangers(World.SIMULATED, accounts):
            raise WorldMismatch(f"The far end holds {', '.join(accounts)}, which are not the simulator's accounts.")

    def _identity(self, challenge: str) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self.control_port}/control/identity?challenge={challenge}"
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback is nobody's proxy's business
        with direct.open(url, timeout=_ASK_TIMEOUT) as response:
            return dict(json.load(response))

    def _proven(self, answer: dict[str, Any], challenge: str) -> bool:
        proof = str(answer.pop("proof", ""))
        text = json.dumps(answer, sort_keys=True, separators=(",", ":"))
        expected = hmac.new(self.nonce.encode(), text.encode(), hashlib.sha256).hexdigest()
        return hmac.compare_digest(proof, expected) and answer.get("challenge") == challenge


@asynccontextmanager
async def simulator(*options: str) -> AsyncIterator[asyncio.Task[Child]]:
    """A child inside the block, gone after it; awaiting it raises SimulatorError if it does not come up."""
    if find_spec("ibkr_sim") is None:
        raise SimulatorError("the demo needs the simulator: pip install ibkr-sim")
    nonce = secrets.token_hex(32)
    fixed = ("--ready-json", "--nonce-stdin", "--exit-with-parent")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "ibkr_sim",
        "serve",
        *fixed,
        *options,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        **_apart(),
    )
    ready = asyncio.create_task(_ready(process, nonce), name="simulator")
    try:
        yield ready
    finally:
        ready.cancel()
        await asyncio.gather(ready, return_exceptions=True)
        await _stop(process)


def _apart() -> dict[str, Any]:
    """Ctrl-C at the terminal is for us alone: the child goes when we have let go of it."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


async def _ready(process: asyncio.subprocess.Process, nonce: str) -> Child:
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        async with asyncio.timeout(_START_TIMEOUT):
            process.stdin.write(f"{nonce}\n".encode())
            await process.stdin.drain()
            line = await process.stdout.readline()
        told = json.loads(line)
    except (TimeoutError, OSError, ValueError) as problem:
        raise SimulatorError("the simulator did not start; its own message is above") from problem
    return Child(
        told["tws_port"], told.get("webapi_port"), told["control_port"], tuple(told["accounts"]), nonce, process
    )


async def _stop(process: asyncio.subprocess.Process) -> None:
    """Its standard input closes, and it ends by itself; if not, it is ended."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(_STOP_TIMEOUT):
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
