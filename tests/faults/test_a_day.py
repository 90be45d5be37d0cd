"""Hours at the Web API's door in virtual time: IBKR's limits hold, sessions end at midnight, nobody is penalised."""

from __future__ import annotations

import asyncio
import importlib
import logging
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp

from faults.asgi import call
from faults.loop import START, JumpingLoop, WorldClock
from ibkr_bridge.config.settings import GuardSettings, Settings, TradingSettings, TwsSettings, UpstreamSettings
from ibkr_bridge.config.webapi import WebApiSettings
from ibkr_bridge.domain.world import World
from ibkr_bridge.runtime.compose import House, compose
from ibkr_bridge.storage.memory import MemoryJournal
from ibkr_sim.clock import Clock
from ibkr_sim.server import Simulator, SimulatorSettings
from ibkr_sim.tws.settings import TwsSettings as TwsDoorSettings
from ibkr_sim.webapi.settings import WebApiSettings as WebDoorSettings

ORDER = {"symbol": "AAPL", "side": "BUY", "qty": 1, "type": "LIMIT", "limit": 100}
POLICY_LINES = '[questions]\no163 = "allow"\no354 = "allow"\n'


@dataclass
class Day:
    penalties: int = 0
    answers: list[int] = field(default_factory=list)
    codes: list[str | None] = field(default_factory=list)


async def _admit(_accounts: tuple[str, ...], _our_end: tuple[str, int]) -> None:
    return None


def settings(port: int, policy: Path) -> Settings:
    return Settings(
        upstream=UpstreamSettings(door="webapi"),
        tws=TwsSettings(account="DU9912345"),
        webapi=WebApiSettings(url=f"http://127.0.0.1:{port}/v1/api"),
        trading=TradingSettings(
            read_only=False, world=World.SIMULATED, tws_time_zone="America/New_York", questions_file=policy
        ),
        guards=GuardSettings.wide_open(),
    )


async def hours(count: int, first: datetime, policy: Path) -> Day:
    """An order at every quarter of an hour; whoever has to log in does so after ten minutes."""
    loop, day = asyncio.get_running_loop(), Day()
    importlib.import_module("ibkr_sim.webapi.door")  # by a thread otherwise, which no virtual world may have
    web = WebDoorSettings(port=0, auto_login=True)
    ahead = (first - START).total_seconds()
    clock = Clock(first, 1.0, loop.time)
    async with Simulator(
        SimulatorSettings(tws=TwsDoorSettings(port=0), webapi=web, control_port=None), clock
    ) as simulator:
        assert simulator.webapi_port is not None
        house = compose(settings(simulator.webapi_port, policy), _admit, Later(loop, ahead), MemoryJournal())
        machine = loop.create_task(house.machine.run())
        try:
            await asyncio.sleep(30)
            for quarter in range(count * 4):
                await _order(house, day, quarter)
                await asyncio.sleep(600)
                session = house.machine.engine.sessions.current
                day.codes.append(session.code)
                if session.code == "session.login_needed":
                    await _log_in(simulator.webapi_port)
                await asyncio.sleep(300)
                day.penalties += _penalised(simulator)
        finally:
            machine.cancel()
            with suppress(asyncio.CancelledError):
                await machine
    return day


class Later(WorldClock):
    """The world's clock, begun at another hour."""

    def __init__(self, loop: asyncio.AbstractEventLoop, ahead: float) -> None:
        super().__init__(loop, "a day")
        self._ahead = timedelta(seconds=ahead)

    def now(self) -> datetime:
        return super().now() + self._ahead


async def _order(house: House, day: Day, number: int) -> None:
    status, _answer = await call(house.app, "POST", "/orders", {**ORDER, "client_order_id": f"day-{number}"})
    day.answers.append(status)


async def _log_in(port: int) -> None:
    """As in a browser, which keeps cookies also for an address in numbers."""
    jar = aiohttp.CookieJar(unsafe=True)
    async with (
        aiohttp.ClientSession(f"http://127.0.0.1:{port}", cookie_jar=jar) as person,
        person.post("/sso/Login", data={"user_name": "somebody"}) as answer,
    ):
        assert "Client login succeeds" in await answer.text()


def _penalised(simulator: Simulator) -> int:
    assert simulator.webapi is not None
    return int(simulator.webapi.house.pacing.boxed_until("127.0.0.1") is not None)


def play(count: int, first: datetime, policy: Path) -> Day:
    logging.getLogger("ib_async").setLevel(logging.CRITICAL)
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        return runner.run(hours(count, first, policy))


def test_a_night_with_ibkrs_midnight_in_it_breaks_no_limit_and_comes_back(tmp_path: Path) -> None:
    policy = tmp_path / "questions.toml"
    policy.write_text(POLICY_LINES)
    day = play(2, datetime(2026, 3, 3, 4, 15, tzinfo=UTC), policy)  # a quarter past eleven in the evening in New York
    assert day.penalties == 0
    assert "session.login_needed" in day.codes
    assert day.codes[-1] is None
    assert day.answers[0] == day.answers[-1] == 201
