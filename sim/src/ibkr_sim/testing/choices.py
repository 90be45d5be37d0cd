"""What a test may choose about its simulator, and what it gets where it chooses nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from ibkr_sim.exchange.settings import AccountSettings, ExchangeSettings, advisor_account, default_accounts
from ibkr_sim.faults.injection import FaultOrder
from ibkr_sim.server import SimulatorSettings
from ibkr_sim.tws.settings import Entitlement, TwsSettings
from ibkr_sim.tws.versions import HIGHEST
from ibkr_sim.webapi.settings import Entitlement as WebApiEntitlement
from ibkr_sim.webapi.settings import WebApiSettings

MONDAY: Final = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
"""Half an hour after New York has opened."""
BEAT: Final = 0.02
"""Real seconds between two looks at the clock: a test that moves time should not wait for the doors to see it."""


def choose(  # noqa: PLR0913  every choice has its name
    *,
    seed: int = 1,
    start: datetime = MONDAY,
    speed: float = 0.0,
    accounts: Sequence[str] = ("DU9912345",),
    always_open: bool = True,
    entitled: bool = True,
    pacing: bool = True,
    version_cap: int = HIGHEST,
    webapi: bool = True,
    advisor: bool = False,
    fundamentals: bool = False,
    faults: Sequence[FaultOrder | str | tuple[str, str]] = (),
) -> SimulatorSettings:
    """Free ports on loopback, one account, and a clock that stands still until the test moves it.

    `speed` is in simulated seconds per real second. `pacing=False` lifts IBKR's limits on how fast a client may ask.
    `faults` are names, or name and trigger as for `inject`. `advisor` adds an account whose clients the others are,
    `fundamentals` the subscription to companies' figures.
    Raises ValueError for what no simulator can be.
    """
    known = {account.id: account for account in default_accounts()}
    clients = tuple(known.get(name) or AccountSettings(name) for name in accounts)
    tws = TwsSettings(port=0, version_cap=version_cap, beat=BEAT, pacing=pacing, fundamentals=fundamentals)
    web = WebApiSettings(port=0, auto_login=True, pacing=pacing, cadence=BEAT)
    if not pacing:
        tws = replace(tws, most_messages=0)
    if not entitled:
        tws, web = replace(tws, entitlement=Entitlement.DELAYED), replace(web, entitlement=WebApiEntitlement.DELAYED)
    return SimulatorSettings(
        exchange=ExchangeSettings(
            seed=seed,
            accounts=(*clients, advisor_account()) if advisor else clients,
            always_open=always_open,
        ),
        tws=tws,
        webapi=web if webapi else None,
        control_port=None,
        start=start,
        speed=speed,
        faults=tuple(_ordered(fault) for fault in faults),
    )


def _ordered(fault: FaultOrder | str | tuple[str, str]) -> FaultOrder:
    if isinstance(fault, FaultOrder):
        return fault
    name, on = (fault, "now") if isinstance(fault, str) else fault
    return FaultOrder(name, on)
