"""Why there is no session: a code for programs, and the next step in words. Pure."""

from __future__ import annotations

from datetime import datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from ibkr_bridge.domain.errors import BridgeError, BrokerSilent
from ibkr_bridge.upstream.webapi.errors import (
    CertificateChanged,
    NotVerified,
    PacedOut,
    Unauthenticated,
    Unbridged,
    Unreachable,
)
from ibkr_bridge.upstream.webapi.settings import WebApiSettings

_RESET_ENDS: Final = time(1, 15)
_RESET_ZONES: Final = ("America/New_York", "Europe/Zurich", "Asia/Hong_Kong")
"""Sessions end at midnight of the region that serves them (Web API v1.0, "Sessions")."""
_CODES: Final = (
    (CertificateChanged, "session.certificate_changed"),
    (NotVerified, "session.not_verified"),
    (Unreachable, "session.unreachable"),
    (BrokerSilent, "session.silent"),
    (PacedOut, "session.paced"),
)
_UNSIGNED: Final = (
    (
        "consumer",
        "session.consumer_unknown",
        "Check IBKR_SERVICE_CONSUMER_KEY; a new key works after the next midnight in New York, Zug or Hong Kong.",
    ),
    (
        "realm",
        "session.realm_wrong",
        "IBKR_SERVICE_OAUTH_REALM is limited_poa, or test_realm for the consumer TESTCONS.",
    ),
    ("timestamp", "session.clock_skewed", "Check this machine's clock."),
    ("nonce", "session.clock_skewed", "Check this machine's clock, and that no other program signs with this key."),
    (
        "signature",
        "session.signature_refused",
        "Both key files and IBKR_SERVICE_ACCESS_TOKEN_SECRET must belong to what was uploaded for this consumer key.",
    ),
    (
        "token",
        "session.token_expired",
        "Generate an access token in the portal; set IBKR_SERVICE_ACCESS_TOKEN and IBKR_SERVICE_ACCESS_TOKEN_SECRET.",
    ),
)
"""A word in IBKR's text, what it means, and what to do."""


class Refusal(Exception):
    """A session that did not come about, or that ended. `patient` ones are tried again only slowly."""

    def __init__(self, code: str, reason: str, *, patient: bool = False) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.patient = patient


def refusal(problem: BridgeError, settings: WebApiSettings, skew: float) -> Refusal:
    """Of an attempt to open a session; `skew` is how far IBKR's clock is ahead of ours, in seconds."""
    if isinstance(problem, Unauthenticated):
        return unsigned(problem.detail, settings, skew) if settings.credentials else _not_logged_in(settings)
    code = next((code for kind, code in _CODES if isinstance(problem, kind)), "session.lost")
    return Refusal(code, f"{problem.detail} {_next_step(code, settings)}".strip())


def unsigned(text: str, settings: WebApiSettings, skew: float) -> Refusal:
    """A refused signature. IBKR's texts are few and may change: a clock that is off is blamed first."""
    told = f'IBKR refuses the login: "{text}".'
    if abs(skew) > settings.clock_skew:
        reason = f"{told} This machine's clock is {abs(skew):.0f} s {'behind' if skew > 0 else 'ahead'}: set it right."
        return Refusal("session.clock_skewed", reason)
    for word, code, advice in _UNSIGNED:
        if word in text.lower():
            return Refusal(code, f"{told} {advice}", patient=True)
    return Refusal("session.login_refused", told, patient=True)


def _not_logged_in(settings: WebApiSettings) -> Refusal:
    reason = f"The gateway at {settings.where} is not logged in. Open {settings.origin} in a browser and log in."
    return Refusal("session.login_needed", reason)


def _next_step(code: str, settings: WebApiSettings) -> str:
    if code == "session.unreachable":
        return "Check the network." if settings.credentials else "Is the Client Portal Gateway running there?"
    if code == "session.silent":
        return "Restart the gateway if this lasts." if settings.loopback else "IBKR may be in maintenance."
    return "Nothing is asked until it is over." if code == "session.paced" else ""


def competing(text: str = "") -> Refusal:
    reason = (
        f"{text or 'Another program is logged in with this user name.'} IBKR allows one brokerage session a user:"
        " log out there (TWS, mobile, Client Portal), use a user name of its own, or let this service take it over."
    )
    return Refusal("session.competing", reason)


def lost(problem: BridgeError, at: datetime) -> Refusal:
    """Of a session that lived."""
    if isinstance(problem, PacedOut):
        return Refusal("session.paced", f"{problem.detail} Nothing is asked until it is over.")
    if isinstance(problem, Unauthenticated | Unbridged) and resetting(at):
        return Refusal("session.reset", "IBKR's daily reset has ended the session; a new one is being opened.")
    if isinstance(problem, BrokerSilent):
        return Refusal("session.silent", problem.detail)
    if isinstance(problem, Unreachable):
        return Refusal("session.unreachable", problem.detail)
    return Refusal("session.lost", f"The session has ended: {problem.detail}")


def resetting(at: datetime) -> bool:
    """Whether it is the hour after midnight somewhere that IBKR serves sessions from."""
    return any(at.astimezone(ZoneInfo(zone)).time() < _RESET_ENDS for zone in _RESET_ZONES)
