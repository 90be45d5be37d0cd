"""Every path of the door."""

from __future__ import annotations

from ibkr_sim.webapi.call import Route
from ibkr_sim.webapi.resources import (
    accounts,
    contracts,
    directory,
    history,
    login,
    marketdata,
    monitoring,
    oauth,
    orders,
    portfolio,
    schedules,
    session,
)

RESOURCES = (
    session,
    login,
    oauth,
    accounts,
    contracts,
    directory,
    marketdata,
    history,
    orders,
    monitoring,
    portfolio,
    schedules,
)


def routes() -> list[Route]:
    return [route for resource in RESOURCES for route in resource.routes()]
