"""The session in IBKR's shapes: its status, its accounts, and the greeting of the WebSocket."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from ibkr_bridge.api.mirror.call import ALL
from ibkr_bridge.domain.session import Session
from ibkr_bridge.domain.world import World
from ibkr_bridge.engine.health import HealthView

SERVER: Final = "ibkr-bridge"
_COMPETING: Final = "session.competing"
_FLAGS: Final = """
    hasChildAccounts supportsCashQty liteUnderPro noFXConv isProp supportsFractions allowCustomerTime autoFx
"""


def status(session: Session) -> dict[str, Any]:
    """What /iserver/auth/status answers."""
    return {
        **_state(session),
        "MAC": "",
        "serverInfo": {"serverName": SERVER, "serverVersion": str(session.server_version or "")},
        "hardware_info": "",
    }


def stream_status(session: Session) -> dict[str, Any]:
    """The arguments of `sts`."""
    server = {"serverName": SERVER, "serverVersion": str(session.server_version or "")}
    return {**_state(session), **server, "username": SERVER}


def accounts(view: HealthView, token: str, selected: str) -> dict[str, Any]:
    """What /iserver/accounts answers, as far as the engine knows it."""
    names = view.session.accounts
    told = [*names, ALL] if len(names) > 1 else list(names)
    return {
        "accounts": told,
        "acctProps": {name: dict.fromkeys(_FLAGS.split(), False) for name in told},
        "aliases": {name: name for name in told},
        "allowFeatures": {},
        "chartPeriods": {},
        "groups": [],
        "profiles": [],
        "selectedAccount": selected,
        "serverInfo": {"serverName": SERVER, "serverVersion": ""},
        "sessionId": token[:17],
        "isFT": False,
        "isPaper": view.world is not World.LIVE,
    }


def greeting(view: HealthView, token: str, selected: str | None) -> Iterator[dict[str, Any]]:
    """In IBKR's order; who logged in is not told."""
    yield {"topic": "system", "success": SERVER, "isFT": False, "isPaper": view.world is not World.LIVE}
    names = view.session.accounts
    if names:
        yield {"topic": "act", "args": accounts(view, token, selected or names[0])}
    yield {"topic": "sts", "args": stream_status(view.session)}


def _state(session: Session) -> dict[str, Any]:
    return {
        "authenticated": session.ready,
        "established": session.ready,
        "competing": session.code == _COMPETING and not session.ready,
        "connected": session.connected,
        "message": "" if session.ready else session.reason or "",
        "fail": "",
    }
