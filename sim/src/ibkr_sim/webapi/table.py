"""Every path of the door."""

from __future__ import annotations

from ibkr_sim.webapi.call import Route
from ibkr_sim.webapi.resources import (
    accounts,
    advisors,
    contracts,
    directory,
    forecasts,
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
from ibkr_sim.webapi.resources.research import hmds, performance, regulatory, scanners, transactions
from ibkr_sim.webapi.resources.user import alerts, notices, watchlists

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
    alerts,
    watchlists,
    notices,
    scanners,
    hmds,
    performance,
    transactions,
    regulatory,
    forecasts,
    advisors,
)


def routes() -> list[Route]:
    return [route for resource in RESOURCES for route in resource.routes()]
