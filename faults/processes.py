"""The simulator and the service as processes of their own, as a user starts them."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import suppress
from pathlib import Path

import aiohttp

from faults.asgi import decoded
from faults.journals import KEY
from faults.records import Json

_START = 60.0
"""Seconds until a process must be ready; several start at once on few cores."""
_ANSWER = 15.0


async def ask(http: aiohttp.ClientSession, method: str, url: str, body: Json | None = None) -> tuple[int, Json]:
    """Status and JSON; 0 when nobody answers."""
    try:
        async with asyncio.timeout(_ANSWER), http.request(method, url, json=body) as answer:
            return answer.status, decoded(await answer.text())
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
        return 0, {}


class SimulatorProcess:
    """`ibkr-sim serve`; it ends with its standard input, so also with us."""

    def __init__(self, process: asyncio.subprocess.Process, ready: Json) -> None:
        self._process = process
        self.tws_port: int = ready["tws_port"]
        self.account: str = ready["accounts"][0]
        self._control = f"http://127.0.0.1:{ready['control_port']}/control"

    @classmethod
    async def start(cls, seed: int, speed: float) -> SimulatorProcess:
        options = ("--tws-port", "0", "--control-port", "0", "--no-webapi", "--seed", str(seed), "--speed", str(speed))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "ibkr_sim", "serve", "--ready-json", "--exit-with-parent", *options),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        async with asyncio.timeout(_START):
            return cls(process, json.loads(await process.stdout.readline()))

    async def control(self, http: aiohttp.ClientSession, method: str, path: str, body: Json | None = None) -> Json:
        """What its control port answers. Raises OSError when it refuses."""
        status, answer = await ask(http, method, f"{self._control}/{path}", body)
        if status not in (200, 201):
            raise OSError(f"the simulator answered {method} {path} with {status}: {answer}")
        return answer

    async def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(5):
                await self._process.wait()
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


class BridgeProcess:
    """`ibkr-bridge serve` on a journal of its own: started and killed as often as one likes, always at one address."""

    def __init__(self, folder: Path, port: int, tws_port: int, account: str) -> None:
        self.file = folder / "journal.sqlite"
        self.mark = folder / "audit.mark"
        self.url = f"http://127.0.0.1:{port}"
        self._process: asyncio.subprocess.Process | None = None
        self._folder = folder
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("IB_", "IBKR_"))},
            "PORT": str(port),
            "IB_PORT": str(tws_port),
            "IB_ACCOUNT": account,
            "ALLOW_MARKET_ORDERS": "true",
            "MAX_ORDER_VALUE_CHF": "0",
            "LOG_LEVEL": "error",
            **{f"IBKR_SERVICE_{name}": value for name, value in _SETTINGS.items()},
            "IBKR_SERVICE_JOURNAL_URL": f"sqlite:///{self.file}",
            "IBKR_SERVICE_AUDIT_KEY": KEY.decode(),
            "IBKR_SERVICE_AUDIT_MARK": str(self.mark),
        }

    async def start(self, http: aiohttp.ClientSession) -> None:
        """Until it can be reached. One that cannot connect to the gateway at its start ends, and is started again."""
        async with asyncio.timeout(_START):
            while (await ask(http, "GET", f"{self.url}/livez"))[0] != 200:
                if self._process is None or self._process.returncode is not None:
                    self._process = await asyncio.create_subprocess_exec(
                        *(sys.executable, "-m", "ibkr_bridge", "serve"),
                        cwd=self._folder,
                        env=self._environment,
                        stderr=asyncio.subprocess.DEVNULL,
                    )
                await asyncio.sleep(0.03)

    def kill(self) -> None:
        """kill -9, at once."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    async def gone(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            await process.wait()


_SETTINGS = {
    "WORLD": "simulated",
    "READ_ONLY": "false",
    "MARKET_HOURS": "false",
    "REPEAT_SECONDS": "0",
    "PRICE_COLLAR_PERCENT": "0",
    "ORDERS_PER_MINUTE": "0",
    "OPEN_ORDERS_PER_SIDE": "0",
    "FIRST_WORD_TIMEOUT": "0.7",
    "REQUEST_TIMEOUT": "2",
    "CONNECT_TIMEOUT": "2",
    "NEVER_ARRIVED_AFTER": "2",
    "INQUIRY_INTERVAL": "0.4",
    "TWS_TIME_ZONE": "America/New_York",
}
