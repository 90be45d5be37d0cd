"""Faults of sessions at the Web API's door: logins, tokens and brokerage sessions that are lost, late or taken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import ClassVar, Final

from ibkr_sim.faults.fault import WEBAPI, Fault
from ibkr_sim.faults.kinds.requests import INITIALISE
from ibkr_sim.faults.moments import HttpAnswer, Request
from ibkr_sim.faults.ports import Client, Door

WAYS_BACK: Final = (
    INITIALISE,
    "/iserver/reauthenticate",
    "/oauth/*",
    "/oauth2/*",
    "/gw/api/v1/sso-sessions",
    "/authorize",
    "/sso/*",
)
RETURNS: Final = frozenset({INITIALISE, "/iserver/reauthenticate", "/oauth/live_session_token", "/sso/Dispatcher"})
"""Those by which a caller is authenticated again."""


@dataclass(eq=False)
class InitFails(Fault):
    """500 `can't connect to backend service` to ssodh/init, so many `tries` in a row; the next one succeeds.

    Common while a session comes up; it passes within three or four tries, seconds apart (recorded with OAuth).
    """

    doors: ClassVar[frozenset[Door]] = WEBAPI
    tries: int = 3
    _left: int = field(default=0, init=False)

    def begin(self, client: Client | None) -> None:
        self._left = self.tries

    def instead(self, request: Request) -> HttpAnswer | None:
        if self._left <= 0 or request.path != INITIALISE:
            return None
        self._left -= 1
        return HttpAnswer({"error": "can't connect to backend service"}, 500)


@dataclass(eq=False)
class NotEstablished(Fault):
    """The brokerage session is authenticated but `established:false` for so many simulated seconds; 0 until cleared.

    ssodh/init then answers in its shorter shape with `passed`; ready is who is told `established:true` by auth/status
    (recorded by ibkr-conduit in 2026).
    """

    everybody: ClassVar[bool] = True
    doors: ClassVar[frozenset[Door]] = WEBAPI
    seconds: Decimal = Decimal(10)

    def begin(self, client: Client | None) -> None:
        self.stage.portal.hold_back(held=True)
        if self.seconds:
            self.stage.after(self.seconds, lambda: self.stage.finish(self))

    def answering(self, request: Request, answer: HttpAnswer) -> HttpAnswer:
        told = answer.content
        if request.path != INITIALISE or not isinstance(told, Mapping) or "authenticated" not in told:
            return answer
        kept = ("authenticated", "established", "connected", "competing", "hardware_info")
        return HttpAnswer({"passed": True, **{name: told[name] for name in kept if name in told}})

    def end(self) -> None:
        self.stage.portal.hold_back(held=False)


@dataclass(eq=False)
class Unauthorized(Fault):
    """401 `not authenticated` to everything, also to tickle, until a caller authenticates again; no brokerage session.

    In the middle of the day, as when the outer session has gone. The way back is ssodh/init, reauthenticate, a login
    or a new live session token.
    """

    doors: ClassVar[frozenset[Door]] = WEBAPI

    def begin(self, client: Client | None) -> None:
        self.stage.portal.drop_brokerage(self.stage.only)

    def instead(self, request: Request) -> HttpAnswer | None:
        if any(fnmatchcase(request.path, way) for way in WAYS_BACK):
            return None
        return HttpAnswer({"error": "not authenticated", "statusCode": 401}, 401)

    def answering(self, request: Request, answer: HttpAnswer) -> HttpAnswer:
        if request.path in RETURNS and answer.status < 400:
            self.stage.finish(self)
        return answer


@dataclass(eq=False)
class NoBridge(Fault):
    """400 `no bridge` to whatever needs a brokerage session until ssodh/init, though auth/status says all is well.

    It happens in the middle of the day between two orders (ibind#104): only ssodh/init with a JSON body helps, and
    /iserver/accounts must be asked for again.
    """

    doors: ClassVar[frozenset[Door]] = WEBAPI

    def begin(self, client: Client | None) -> None:
        self.stage.portal.unbridge(self.stage.only)


@dataclass(eq=False)
class AccountsFirst(Fault):
    """500 `Please query /accounts first` until /iserver/accounts is asked for again, as after every daily reset."""

    doors: ClassVar[frozenset[Door]] = WEBAPI

    def begin(self, client: Client | None) -> None:
        self.stage.portal.forget_accounts(self.stage.only)


@dataclass(eq=False)
class Competing(Fault):
    """Another login takes the brokerage session: `competing:true`, 400 `no bridge`, until ssodh/init with compete.

    After so many simulated `seconds` (0: never) it leaves by itself. With `every` it takes the session back so many
    seconds after each loss: two that compete disturb each other without end (ibkr-conduit ADR-0004).
    """

    everybody: ClassVar[bool] = True
    doors: ClassVar[frozenset[Door]] = WEBAPI
    seconds: Decimal = Decimal(0)
    every: Decimal = Decimal(0)

    def begin(self, client: Client | None) -> None:
        self._take()
        if self.seconds:
            self.stage.after(self.seconds, lambda: self.stage.finish(self))

    def end(self) -> None:
        self.stage.portal.end_competition()

    def _take(self) -> None:
        self.stage.portal.compete()
        if self.every > 0:
            self.stage.after(self.every, self._take)


@dataclass(eq=False)
class TokenExpired(Fault):
    """401 to whatever is signed or carries a bearer: the live session token is invalid before its time.

    The way back is a new handshake, then ssodh/init. Nothing happens to the gateway's callers.
    """

    doors: ClassVar[frozenset[Door]] = WEBAPI

    def begin(self, client: Client | None) -> None:
        self.stage.portal.end_tokens(self.stage.only)


@dataclass(eq=False)
class InvalidConsumer(Fault):
    """401 `invalid consumer` to whatever is signed with OAuth 1.0a, also the handshake; for simulated seconds, or 0.

    So until the midnight after a consumer key was made (ibkr_web_client#4, ibind#109).
    """

    doors: ClassVar[frozenset[Door]] = WEBAPI
    seconds: Decimal = Decimal(0)
    _count: int = field(default=0, init=False)

    def begin(self, client: Client | None) -> None:
        if self.seconds:
            self.stage.after(self.seconds, lambda: self.stage.finish(self))

    def instead(self, request: Request) -> HttpAnswer | None:
        if not request.signed:
            return None
        self._count += 1
        return HttpAnswer({"error": f"id: {self._count}, error: invalid consumer", "statusCode": 401}, 401)


@dataclass(eq=False)
class LoginLost(Fault):
    """The gateway answers 401 `Access Denied`, as text, until somebody logs in again; WebSockets are closed.

    Also by itself after so many simulated seconds, if not 0, and when cleared: as somebody does who automates the
    login (ibeam). Callers with OAuth notice nothing.
    """

    everybody: ClassVar[bool] = True
    doors: ClassVar[frozenset[Door]] = WEBAPI
    seconds: Decimal = Decimal(0)

    def begin(self, client: Client | None) -> None:
        self.stage.portal.log_out("gateway", forgotten=True)
        if self.seconds:
            self.stage.after(self.seconds, lambda: self.stage.finish(self))

    def end(self) -> None:
        self.stage.portal.log_in()


@dataclass(eq=False)
class MidnightReset(Fault):
    """Outer and brokerage sessions of everybody end at once, as at the region's midnight; suppressions go with them.

    Callers with OAuth need a new handshake. The gateway's user logs in again after so many simulated seconds, if not
    0, and when this is cleared.
    """

    everybody: ClassVar[bool] = True
    doors: ClassVar[frozenset[Door]] = WEBAPI
    seconds: Decimal = Decimal(0)

    def begin(self, client: Client | None) -> None:
        self.stage.portal.log_out(None)
        if self.seconds:
            self.stage.after(self.seconds, lambda: self.stage.finish(self))

    def end(self) -> None:
        self.stage.portal.log_in()
