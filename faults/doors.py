"""The two doors to IBKR: how a world opens one, and how the service is told of it."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Final

from faults import framing
from ibkr_bridge.config.settings import GuardSettings, Settings, TradingSettings, TwsSettings, UpstreamSettings
from ibkr_bridge.config.webapi import WebApiSettings
from ibkr_bridge.domain.world import World
from ibkr_sim.exchange.settings import AccountSettings, ExchangeSettings, default_accounts
from ibkr_sim.server import Simulator, SimulatorSettings
from ibkr_sim.tws.settings import TwsSettings as TwsDoorSettings
from ibkr_sim.webapi.settings import WebApiSettings as WebDoorSettings

ACCOUNT: Final = "DU9912345"
POLICY: Final = Path(__file__).with_name("questions.toml")
"""What the service answers by itself of what IBKR asks at the Web API's door."""

_ASKED_LITTLE: Final = frozenset({"o451", "o10153", "o10331"})
_ASKED_A_LOT: Final = _ASKED_LITTLE | {"o163", "o354", "o383", "o10151"}
"""Questions that meet most orders of a user without market data (o354), and few of one who has it."""


class Door(StrEnum):
    TWS = "tws"
    WEBAPI = "webapi"


FRAMING: Final[Mapping[Door, framing.Make]] = {Door.TWS: framing.Tws, Door.WEBAPI: framing.Web}


def simulated(door: Door, seed: int) -> SimulatorSettings:
    """IBKR as it is: its limits hold and its questions are asked. A user is logged in, as behind a gateway."""
    web = None
    if door is Door.WEBAPI:
        importlib.import_module("ibkr_sim.webapi.door")  # by a thread otherwise, which no world may have
        # Nobody is there to log in again after 15 minutes in the penalty box.
        web = WebDoorSettings(
            port=0,
            auto_login=True,
            login_timeout=timedelta(hours=1),
            questions=_ASKED_A_LOT if seed % 2 else _ASKED_LITTLE,
        )
    rich = AccountSettings(ACCOUNT, cash={"USD": Decimal(100_000_000)})  # no order of a world may fail for money
    exchange = ExchangeSettings(seed=seed, accounts=(rich, *default_accounts()[1:]))
    return SimulatorSettings(exchange=exchange, tws=TwsDoorSettings(port=0), webapi=web, control_port=None)


def port(door: Door, simulator: Simulator) -> int:
    if door is Door.TWS:
        return simulator.tws_port
    assert simulator.webapi_port is not None
    return simulator.webapi_port


def settings(door: Door, gateway: int) -> Settings:
    """The service's, with its gateway at that port, and short times of its own. What IBKR's limits ask for stays."""
    return Settings(
        upstream=UpstreamSettings(door=door.value),
        tws=TwsSettings(port=gateway, account=ACCOUNT, request_timeout=3, connect_timeout=3),
        webapi=WebApiSettings(url=f"http://127.0.0.1:{gateway}/v1/api"),
        trading=TradingSettings(
            read_only=False,
            world=World.SIMULATED,
            first_word_timeout=1.0,
            never_arrived_after=10,
            inquiry_interval=2,
            reconcile_interval=10,
            tws_time_zone="America/New_York",
            questions_file=POLICY,
            answer_timeout=8,
        ),
        guards=GuardSettings.wide_open(),
    )
