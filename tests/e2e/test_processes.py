"""The commands as a user starts them: processes, their words, their exit codes, and what they leave behind."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from ibkr_sim.server import Simulator, SimulatorSettings
from ibkr_sim.tws.settings import TwsSettings

START, STOP = 30, 10
FREE = ("--tws-port", "0", "--control-port", "0")
"""Demos that start at the same moment would all find the usual ports free."""


async def bridge(*arguments: str, cwd: Path, **environment: str) -> asyncio.subprocess.Process:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("IB_", "IBKR_"))}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "ibkr_bridge",
        *arguments,
        cwd=cwd,
        env={
            **clean,
            "IBKR_SERVICE_AUDIT_KEY_FILE": str(cwd / "audit.key"),
            "IBKR_SERVICE_AUDIT_MARK": str(cwd / "audit.mark"),
            **environment,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


@asynccontextmanager
async def demo(cwd: Path, *arguments: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """A demo and what it said once it was ready."""
    process = await bridge("demo", "--port", "0", *FREE, *arguments, cwd=cwd)
    assert process.stdout is not None
    try:
        said = ""
        async with asyncio.timeout(START):
            while "Ctrl-C" not in said:
                line = await process.stdout.readline()
                assert line, "the demo ended before it was ready"
                said += line.decode()
        yield process, said
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def ended(process: asyncio.subprocess.Process) -> tuple[int | None, str]:
    _out, err = await asyncio.wait_for(process.communicate(), START)
    return process.returncode, err.decode()


def one_line(text: str) -> str:
    """What a person reads, without the JSON log."""
    lines = [line for line in text.splitlines() if not line.startswith("{")]
    assert len(lines) == 1, text
    return lines[0]


def answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def gone(port: int) -> None:
    async with asyncio.timeout(STOP):
        while answers(port):  # noqa: ASYNC110  a port of another process can only be tried
            await asyncio.sleep(0.05)


def ports(said: str) -> tuple[int, int]:
    rest, tws = re.search(r"http://127\.0\.0\.1:(\d+)", said), re.search(r"TWS socket\s+127\.0\.0\.1:(\d+)", said)
    assert rest
    assert tws
    return int(rest[1]), int(tws[1])


async def test_the_demo_prints_three_curl_lines_that_work(tmp_path: Path, curl: Any) -> None:
    async with demo(tmp_path, "--seed", "1") as (_process, said):
        assert "SIMULATOR" in said
        assert re.search(r"account\s+DU99\d+", said)
        lines = [line.strip() for line in said.splitlines() if line.strip().startswith("curl ")]
        assert len(lines) == 3
        for line in lines:
            status, answer = await curl(line)
            assert status in (200, 201), answer
        rest, _tws = ports(said)
        async with asyncio.timeout(10), aiohttp.ClientSession(f"http://127.0.0.1:{rest}") as http:
            while True:
                async with http.get("/positions") as response:
                    positions = (await response.json())["positions"]
                if [(row["contract"]["symbol"], row["qty"]) for row in positions] == [("AAPL", 10)]:
                    break
                await asyncio.sleep(0.05)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals between processes")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_stopping_the_demo_leaves_no_process_behind(tmp_path: Path, number: signal.Signals) -> None:
    async with demo(tmp_path) as (process, said):
        rest, tws = ports(said)
        assert answers(tws)
        process.send_signal(number)
        assert (await ended(process))[0] == 0
        assert not answers(rest)
        assert not answers(tws)


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is not a Windows word")
async def test_a_killed_demo_takes_its_simulator_with_it(tmp_path: Path) -> None:
    async with demo(tmp_path) as (process, said):
        _rest, tws = ports(said)
        process.kill()
        await process.wait()
        await gone(tws)


async def test_a_port_in_use_is_one_clear_line_and_exit_code_1(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, said = await ended(await bridge("demo", "--port", str(port), *FREE, cwd=tmp_path))
    assert code == 1
    assert f"127.0.0.1:{port}" in one_line(said)


async def test_a_gateway_that_is_not_there_is_one_clear_line_and_exit_code_1(tmp_path: Path, port: int) -> None:
    code, said = await ended(await bridge("serve", cwd=tmp_path, IB_PORT=str(port), PORT="0", LOG_LEVEL="warning"))
    assert code == 1
    assert "Nothing answers at 127.0.0.1" in one_line(said)


async def test_a_gateway_that_only_accepts_is_told_apart_from_one_that_is_not_there(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = str(mute.getsockname()[1])
        code, said = await ended(
            await bridge(
                "serve",
                cwd=tmp_path,
                IB_PORT=port,
                PORT="0",
                LOG_LEVEL="warning",
                IBKR_SERVICE_CONNECT_TIMEOUT="0.5",
            )
        )
    assert code == 1
    assert "does not speak" in one_line(said)


async def test_an_account_of_another_world_is_refused_at_the_door(tmp_path: Path) -> None:
    async with Simulator(SimulatorSettings(tws=TwsSettings(port=0), control_port=None)) as simulator:
        code, said = await ended(
            await bridge("serve", cwd=tmp_path, IB_PORT=str(simulator.tws_port), PORT="0", LOG_LEVEL="warning")
        )
    assert code == 1
    assert "paper world" in one_line(said)


async def test_a_client_id_in_use_is_named_as_such(tmp_path: Path, port: int) -> None:
    async with Simulator(SimulatorSettings(tws=TwsSettings(port=0), control_port=None)) as simulator:
        environment = {
            "IB_PORT": str(simulator.tws_port),
            "IBKR_SERVICE_WORLD": "simulated",
            "LOG_LEVEL": "warning",
            "PORT": str(port),
            "IBKR_SERVICE_JOURNAL_URL": "memory",
        }
        first = await bridge("serve", cwd=tmp_path, **environment)
        try:
            async with asyncio.timeout(START), aiohttp.ClientSession() as http:
                while True:
                    with suppress(aiohttp.ClientConnectionError):
                        async with http.get(f"http://127.0.0.1:{environment['PORT']}/readyz") as answer:
                            assert answer.status == 503  # read-only is not ready to trade
                            break
                    await asyncio.sleep(0.05)
            code, said = await ended(await bridge("serve", cwd=tmp_path, **{**environment, "PORT": "0"}))
        finally:
            first.terminate()
            await first.communicate()
    assert code == 1
    assert "Client id 42 is in use" in one_line(said)
