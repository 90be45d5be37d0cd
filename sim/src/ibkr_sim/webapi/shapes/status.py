"""What a session is told about itself (Web API: "Session")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from ibkr_sim.webapi.numbers import milliseconds
from ibkr_sim.webapi.sessions.portal import PortalSession
from ibkr_sim.webapi.sessions.registry import Sessions

MAC: Final = "02:00:53:49:4D:00"
HARDWARE: Final = f"51d0a7e5|{MAC}"
SERVER_NAME: Final = "SIMULATOR"
SERVER_VERSION: Final = "Build 10.46.0a, Jan 5, 2026 10:00:00 AM"
ASSETS: Final = "STK,CASH"
_FEATURES_ON: Final = "showGFIS showEUCostReport allowTypeAhead showWebNews research debugPnl showImpactDashboard"
_FEATURES_OFF: Final = """
    allowEventContract allowFXConv allowFinancialLens allowMTA allowEventTrading liteUser showTaxOpt allowDynAccount
    allowCrypto allowFA allowLiteUnderPro restrictTradeSubscription showUkUserLabels sideBySide
"""
_ALL_PERIODS: Final = "STK CFD CASH IND"
_LONG_PERIODS: Final = "OPT FOP WAR IOPT FUT BOND FUND CMDTY PHYSS CRYPTO"


def server() -> dict[str, Any]:
    return {"serverName": SERVER_NAME, "serverVersion": SERVER_VERSION}


def authentication(sessions: Sessions, session: PortalSession | None) -> dict[str, Any]:
    """Without a session the short form."""
    if session is None:
        return {"authenticated": False, "competing": False, "connected": False, "MAC": MAC}
    return {
        "authenticated": sessions.is_authenticated(session),
        "established": sessions.is_established(session),
        "competing": session.competing,
        "connected": True,
        "message": "",
        "MAC": MAC,
        "serverInfo": server(),
        "hardware_info": HARDWARE,
    }


def bridging(sessions: Sessions, session: PortalSession) -> dict[str, Any]:
    """What ssodh/init answers while the session is being brought up."""
    return {
        "passed": True,
        "authenticated": sessions.is_authenticated(session),
        "established": sessions.is_established(session),
        "connected": True,
        "competing": session.competing,
        "hardware_info": HARDWARE,
    }


def stream_status(sessions: Sessions, session: PortalSession, username: str) -> dict[str, Any]:
    """The arguments of the topic `sts`."""
    return {
        "connected": True,
        "authenticated": sessions.is_authenticated(session),
        "established": sessions.is_established(session),
        "competing": session.competing,
        "message": "",
        "fail": "",
        "serverName": SERVER_NAME,
        "serverVersion": SERVER_VERSION,
        "username": username,
    }


def tickle(sessions: Sessions, session: PortalSession, user_id: int, *, history: bool) -> dict[str, Any]:
    told: dict[str, Any] = {"session": session.token}
    if not session.signed:
        expires = int(sessions.expires_in(session).total_seconds() * 1000)
        told |= {"ssoExpires": expires, "collission": False, "userId": user_id}
    told["hmds"] = {"authStatus": {"authenticated": True, "connected": True}} if history else {"error": "no bridge"}
    return told | {"iserver": {"authStatus": authentication(sessions, session)}}


def validation(sessions: Sessions, session: PortalSession, username: str, user_id: int) -> dict[str, Any]:
    return {
        "USER_ID": user_id,
        "USER_NAME": username,
        "RESULT": True,
        "AUTH_TIME": milliseconds(session.started),
        "SF_ENABLED": True,
        "IS_FREE_TRIAL": False,
        "CREDENTIAL": username,
        "IP": "127.0.0.1",
        "EXPIRES": int(sessions.expires_in(session).total_seconds() * 1000),
        "QUALIFIED_FOR_MOBILE_AUTH": None,
        "LANDING_APP": "PORTAL-US",
        "IS_MASTER": False,
        "lastAccessed": milliseconds(session.seen),
        "LOGIN_TYPE": 2,
        "PAPER_USER_NAME": username,
        "features": {
            "env": "PROD",
            "wlms": True,
            "realtime": True,
            "bond": True,
            "optionChains": True,
            "calendar": True,
            "newMf": True,
        },
        "region": "NJ",
    }


def accounts(ids: Sequence[str], selected: str, session_id: str) -> dict[str, Any]:
    """What /iserver/accounts answers; `ids` may end with the account that means all."""
    properties = {
        "hasChildAccounts": False,
        "supportsCashQty": True,
        "liteUnderPro": False,
        "noFXConv": False,
        "isProp": False,
        "supportsFractions": False,
        "allowCustomerTime": False,
        "autoFx": False,
    }
    return {
        "accounts": list(ids),
        "acctProps": {account: dict(properties) for account in ids},
        "aliases": {account: account for account in ids},
        "allowFeatures": _features(),
        "chartPeriods": {
            **{kind: ["*"] for kind in _ALL_PERIODS.split()},
            **{kind: ["2h", "1d", "2d", "1w", "1m"] for kind in _LONG_PERIODS.split()},
        },
        "groups": [],
        "profiles": [],
        "selectedAccount": selected,
        "serverInfo": server(),
        "sessionId": session_id,
        "isFT": False,
        "isPaper": True,
    }


def _features() -> dict[str, Any]:
    return {
        **dict.fromkeys(_FEATURES_ON.split(), True),
        **dict.fromkeys(_FEATURES_OFF.split(), False),
        "snapshotRefreshTimeout": 30,
        "allowedAssetTypes": ASSETS,
    }
