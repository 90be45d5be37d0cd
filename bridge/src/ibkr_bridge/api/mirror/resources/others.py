"""Paths that concern nobody but IBKR: alerts, watchlists, scanners, performance, notifications, forecasts."""

from __future__ import annotations

from typing import Final

from ibkr_bridge.api.mirror.entry import Entry, passed, refused

_QUARTER: Final = 900.0
"""IBKR allows one call in fifteen minutes."""
_MINUTE: Final = 60.0
_HOUR: Final = 3600.0


def entries() -> list[Entry]:
    rare, once = "Kept for a quarter of an hour: IBKR allows no more.", "Sent once, never repeated."
    account = "/iserver/account/{account}"
    return [
        passed("GET", "/iserver/account/search/{pattern}"),
        passed("GET", f"{account}/alerts"),
        passed("GET", "/iserver/account/alert/{alert}"),
        passed("GET", "/iserver/account/mta"),
        passed("POST", f"{account}/alert", once),
        passed("POST", f"{account}/alert/activate", once),
        passed("DELETE", f"{account}/alert/{{alert}}", once),
        passed("GET POST DELETE", "/iserver/watchlist", "Never short at first."),
        passed("GET", "/iserver/watchlists"),
        passed("GET", "/iserver/scanner/params", rare, keep=_QUARTER),
        passed("POST", "/iserver/scanner/run", reads=True),
        passed("GET", "/hmds/history", "The login that IBKR wants first is made."),
        passed("GET", "/hmds/scanner/params", "The login that IBKR wants first is made.", keep=_QUARTER),
        passed("POST", "/hmds/scanner/run", reads=True),
        passed("POST", "/hmds/scanner", reads=True),
        passed("POST", "/hmds/auth/init", "Made by the service when it is needed; harmless.", reads=True),
        passed("POST", "/pa/performance", rare, keep=_QUARTER, reads=True),
        passed("POST", "/pa/allperiods", keep=_MINUTE, reads=True),
        passed("POST", "/pa/transactions", rare, keep=_QUARTER, reads=True),
        passed("POST", "/pa/summary", rare, keep=_QUARTER, reads=True),
        passed("GET", "/fyi/unreadnumber"),
        passed("GET", "/fyi/settings"),
        passed("POST", "/fyi/settings/{code}", once),
        passed("GET PUT", "/fyi/disclaimer/{code}"),
        passed("GET", "/fyi/deliveryoptions"),
        passed("PUT", "/fyi/deliveryoptions/email", once),
        passed("POST", "/fyi/deliveryoptions/device", once),
        passed("DELETE", "/fyi/deliveryoptions/{device}", once),
        passed("GET", "/fyi/notifications"),
        passed("GET", "/fyi/notifications/more"),
        passed("PUT", "/fyi/notifications/{notification}", once),
        passed("GET", "/forecast/category/tree", keep=_HOUR),
        passed("GET", "/forecast/contract/market", keep=_MINUTE),
        passed("GET", "/forecast/contract/rules", keep=_HOUR),
        passed("GET", "/forecast/contract/details", keep=_HOUR),
        passed("GET", "/forecast/contract/schedules", keep=_HOUR),
        passed("GET", "/iserver/account/allocation/accounts"),
        refused("GET POST PUT", "/iserver/account/allocation/group", "Groups of accounts pass the guards by."),
        refused("POST", "/iserver/account/allocation/group/single", "Groups of accounts pass the guards by."),
        refused("POST", "/iserver/account/allocation/group/delete", "Groups of accounts pass the guards by."),
        refused("GET POST", "/iserver/account/allocation/presets", "Groups of accounts pass the guards by."),
    ]
