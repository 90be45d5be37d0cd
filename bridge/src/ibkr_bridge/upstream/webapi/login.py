"""From nothing to a brokerage session: login, bridge, established, accounts."""

from __future__ import annotations

from typing import Any

import structlog

from ibkr_bridge.domain.errors import BridgeError, BrokerRefused
from ibkr_bridge.ports.clock import Clock
from ibkr_bridge.upstream.pacing import Lane
from ibkr_bridge.upstream.webapi import translate
from ibkr_bridge.upstream.webapi.errors import Unauthenticated, Unavailable
from ibkr_bridge.upstream.webapi.http import Call, Http
from ibkr_bridge.upstream.webapi.oauth import handshake
from ibkr_bridge.upstream.webapi.oauth.handshake import HandshakeFailed, LiveSessionToken
from ibkr_bridge.upstream.webapi.oauth.keys import Credentials
from ibkr_bridge.upstream.webapi.refusals import Refusal, competing
from ibkr_bridge.upstream.webapi.tls import Trust

log = structlog.get_logger()
_PARTING = 2.0
EVERY_ACCOUNT = "All"
"""What users of several accounts are told of as one more."""


class Login:
    """Its calls are few, and go as orders do: data must not starve the session."""

    def __init__(self, http: Http, clock: Clock) -> None:
        self._http = http
        self._clock = clock
        self._trust = Trust(http.settings)
        self._token: LiveSessionToken | None = None
        self._name = ""
        self.lists_everything = True
        """Whether one list of orders holds every account's."""

    @property
    def expires_in(self) -> float | None:
        """Seconds until the live session token ends; None where there is none."""
        return None if self._token is None else self._token.expires_at - self._clock.now().timestamp()

    async def authenticate(self) -> None:
        """The outer session. Raises Refusal, Unauthenticated and what `Http.call` raises."""
        self._http.check_with(await self._trust.context())
        credentials = self._http.settings.credentials
        if credentials is None:
            await self.tickle()
            return
        if self._token is not None and (self.expires_in or 0) > self._http.settings.renew_before:
            try:
                await self.tickle()
            except Unauthenticated:
                self._token = None
            else:
                return
        await self._agree(credentials)
        await self.tickle()

    async def tickle(self) -> dict[str, Any]:
        """Raises Unauthenticated where the login is gone, whatever the status says."""
        told = await self._post("/tickle", timeout=self._http.settings.connect_timeout)
        self._name = str(told.get("session") or "")
        return told

    async def name(self) -> str:
        """What the WebSocket must name: fresh, but the first time the one that the login has just told."""
        name, self._name = self._name, ""
        return name or str((await self.tickle()).get("session") or "")

    async def log_out(self) -> None:
        """As well as it can be done in a moment."""
        try:
            await self._post("/logout", timeout=_PARTING)
        except BridgeError as problem:
            log.info("could not log out", detail=problem.detail)

    async def status(self) -> dict[str, Any]:
        return await self._post("/iserver/auth/status", timeout=self._http.settings.connect_timeout)

    async def bridge(self) -> None:
        """Open the brokerage session and wait until it is established. Raises Refusal."""
        settings = self._http.settings
        seen = await self.status()
        if seen.get("competing") and not settings.compete:
            raise competing()
        told = await self._init()
        if told.get("competing") or not told.get("authenticated"):
            raise _not_opened(told)
        waited = 0.0
        while not established(told) or "passed" in told:
            if waited >= settings.establish_timeout:
                raise Refusal("session.not_established", f"IBKR has not loaded the accounts within {waited:g} s.")
            await self._clock.sleep(settings.step)
            waited += settings.step
            told = await self.status()
            if told.get("competing"):
                raise competing()

    async def accounts(self) -> tuple[str, ...]:
        """Those of the session, after which orders may be asked about. Raises Refusal."""
        told = await self._get("/iserver/accounts")
        names = tuple(str(name) for name in told.get("accounts") or ())
        accounts = tuple(name for name in names if name != EVERY_ACCOUNT)
        pinned = self._http.settings.account
        if not accounts or (pinned is not None and pinned not in accounts):
            found = ", ".join(accounts) or "none"
            reason = f"The session holds {found}, not {pinned or 'any account'}: log in with the user that has it."
            raise Refusal("session.account_missing", reason)
        self.lists_everything = len(accounts) == 1 or (EVERY_ACCOUNT in names and await self._select_everything(told))
        return accounts

    async def _select_everything(self, told: dict[str, Any]) -> bool:
        """Orders and trades are listed for the selected account alone."""
        if told.get("selectedAccount") != EVERY_ACCOUNT:
            try:
                await self._post("/iserver/account", {"acctId": EVERY_ACCOUNT})
            except BrokerRefused:
                return False
        return True

    async def _init(self) -> dict[str, Any]:
        """A body is needed: with the query alone the answer is the same, and orders fail. IBKR fails now and then."""
        settings = self._http.settings
        for attempt in range(1, settings.init_attempts + 1):
            try:
                return await self._post("/iserver/auth/ssodh/init", {"publish": True, "compete": settings.compete})
            except (BrokerRefused, Unavailable):
                if attempt == settings.init_attempts:
                    raise
                await self._clock.sleep(settings.init_retry)
        raise AssertionError("unreachable")

    async def _agree(self, credentials: Credentials) -> None:
        """A new live session token. Raises Refusal."""
        http = self._http
        http.sign_with(None)
        now = int(self._clock.now().timestamp())
        try:
            sent = handshake.challenge(credentials, http.settings.url, now, self._clock.entropy)
            answer = await http.call(Call("POST", handshake.PATH, lane=Lane.ORDERS, slow=False), sent.authorization)
            self._token = handshake.completed(credentials, sent, answer if isinstance(answer, dict) else {})
        except HandshakeFailed as failed:
            raise Refusal("session.signature_refused", str(failed), patient=True) from failed
        except BrokerRefused as refused:
            raise Unauthenticated(refused.text) from refused
        http.sign_with(self._token)

    async def _post(self, path: str, body: object = None, timeout: float | None = None) -> dict[str, Any]:
        call = Call("POST", path, body=body, lane=Lane.ORDERS, slow=False, timeout=timeout)
        return translate.mapping(await self._http.call(call))

    async def _get(self, path: str) -> dict[str, Any]:
        return translate.mapping(await self._http.call(Call("GET", path, lane=Lane.ORDERS, slow=False)))


def established(told: dict[str, Any]) -> bool:
    """Older builds do not say whether the accounts have loaded."""
    return bool(told.get("authenticated") and told.get("connected", True) and told.get("established") is not False)


def _not_opened(told: dict[str, Any]) -> Refusal:
    text = str(told.get("fail") or told.get("message") or "").strip()
    if told.get("competing"):
        return competing(text)
    return Refusal("session.not_established", f"IBKR did not open a brokerage session. {text}".strip())
