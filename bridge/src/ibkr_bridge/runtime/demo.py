"""The demo: a simulated IBKR and the service on it, ready to be tried with curl."""

from __future__ import annotations

import asyncio
import socket
import sys
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING

from ibkr_bridge.config.settings import ApiSettings, GuardSettings, JournalSettings, Settings, TradingSettings
from ibkr_bridge.config.webapi import WebApiSettings
from ibkr_bridge.domain.world import World
from ibkr_bridge.runtime.loop import run
from ibkr_bridge.runtime.simulator import Child, SimulatorError, simulator
from ibkr_bridge.telemetry.logs import configure

if TYPE_CHECKING:
    from ibkr_bridge.runtime.service import Service

_FREE = 0


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """`None` leaves the choice to us."""

    seed: int | None = None
    speed: float = 1.0
    port: int | None = None
    tws_port: int | None = None
    webapi_port: int | None = None
    control_port: int | None = None


def demo(settings: Settings, options: DemoOptions) -> int:
    """Run until a signal; the exit code: 0 stopped as asked, 1 could not start or go on."""
    configure(settings.log)
    return run(_demo(settings, options))


async def _demo(settings: Settings, options: DemoOptions) -> int:
    try:
        async with simulator(*_arguments(options, settings.upstream.door)) as starting:
            # The service takes most of a second to import: the child starts meanwhile, on another core.
            from ibkr_bridge.runtime import service  # noqa: PLC0415

            child = await starting
            return await _serve(service, _settings(settings, options, child), child)
    except SimulatorError as problem:
        print(f"ibkr-bridge: {problem}", file=sys.stderr)  # noqa: T201
        return 1


def _arguments(options: DemoOptions, door: str) -> list[str]:
    arguments = ["--tws-port", _port(options.tws_port, 4002), "--control-port", _port(options.control_port, 4080)]
    arguments += ["--speed", str(options.speed)]
    if door == "webapi":
        arguments += ["--webapi-port", _port(options.webapi_port, 5000), "--webapi-login"]
    else:
        arguments.append("--no-webapi")
    if options.seed is not None:
        arguments += ["--seed", str(options.seed)]
    return arguments


def _port(chosen: int | None, usual: int) -> str:
    return str(_preferred(usual) if chosen is None else chosen)


def _preferred(port: int) -> int:
    """The usual port when nobody has it, else any: a real gateway may be running beside the demo."""
    with socket.socket() as probe:
        if sys.platform != "win32":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return _FREE
    return port


def _settings(settings: Settings, options: DemoOptions, child: Child) -> Settings:
    """Whatever the environment says of gateways and accounts, the demo talks to its own child alone."""
    api = settings.api if options.port is None else ApiSettings(**{**dict(settings.api), "port": options.port})
    tws = settings.tws.model_copy(
        update={"host": "127.0.0.1", "port": child.tws_port, "account": child.accounts[0], "market_data_type": "live"}
    )
    trading = TradingSettings(
        read_only=False, world=World.SIMULATED, reset_windows=(), questions_file=settings.trading.questions_file
    )
    return settings.model_copy(
        update={
            "api": api,
            "tws": tws,
            "webapi": WebApiSettings(url=f"http://127.0.0.1:{child.webapi_port or 5000}/v1/api"),
            "trading": trading,
            "guards": GuardSettings.wide_open(),
            "journal": JournalSettings(url="memory"),  # the simulated broker forgets everything too
        }
    )


async def _serve(service: ModuleType, settings: Settings, child: Child) -> int:
    ready: asyncio.Future[Service] = asyncio.get_running_loop().create_future()
    tasks = [asyncio.create_task(_greet(ready, settings, child)), asyncio.create_task(_watch(ready, child))]
    try:
        code: int = await service.until_stopped(settings, child.admit, ready=ready)
        return code
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _watch(ready: asyncio.Future[Service], child: Child) -> None:
    """Without its simulator a demo shows nothing: it ends with it."""
    await child.process.wait()
    service = await ready
    if not service.ended.done():
        service.ended.set_result("the simulator ended")


async def _greet(ready: asyncio.Future[Service], settings: Settings, child: Child) -> None:
    service = await ready
    print(greeting(service.url, child, settings.api.api_key_header if settings.api.required_api_key else None))  # noqa: T201
    sys.stdout.flush()


def greeting(url: str, child: Child, key_header: str | None) -> str:
    key = f' -H "{key_header}: $KEY"' if key_header else ""
    body = '{"symbol": "AAPL", "side": "BUY", "qty": 10, "type": "MARKET"}'
    return f"""
ibkr-bridge is running on a SIMULATOR: no real account, no real money.

  REST and WebSocket   {url}      every operation: {url}/docs
{_doors(child)}
  its control port     http://127.0.0.1:{child.control_port}
  account              {child.accounts[0]}

Try it from another terminal:

  curl{key} {url}/market/quote/AAPL
  curl{key} -X POST {url}/orders -H "Content-Type: application/json" -d '{body}'
  curl{key} {url}/positions

Ctrl-C stops both.
"""


def _doors(child: Child) -> str:
    socket = f"  TWS socket           127.0.0.1:{child.tws_port}            for ib_async and its like"
    if child.webapi_port is None:
        return socket
    return f"{socket}\n  Web API              http://127.0.0.1:{child.webapi_port}/v1/api   the service uses this door"
