"""One request on its way through the mirror."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ibkr_bridge.api.mirror.answers import Refusal
from ibkr_bridge.api.mirror.callers import Caller
from ibkr_bridge.domain.errors import UnknownAccount
from ibkr_bridge.engine.engine import Engine

ALL = "All"
"""What IBKR calls every account of a user together."""


@dataclass(frozen=True, slots=True)
class Call:
    """`path` is below /v1/api; `body` is the JSON that was sent, None without."""

    engine: Engine
    caller: Caller
    name: Callable[[], str]
    """Makes names that nobody can guess."""
    method: str
    path: str
    arguments: Mapping[str, str]
    query: Mapping[str, str]
    body: Any
    several: Mapping[str, list[str]]
    """Members of the query, with every value of one that is given more than once."""

    @property
    def now(self) -> datetime:
        return self.engine.health.view().at

    def member(self, name: str) -> Any:
        """A member of the body; None where it is absent, or no body came."""
        return self.body.get(name) if isinstance(self.body, dict) else None

    @property
    def account(self) -> str:
        """The account in the path. Raises Refusal as IBKR does for one that is not the user's; BrokerAway."""
        return self.checked(self.arguments["account"])

    def checked(self, account: str) -> str:
        """Raises Refusal, BrokerAway."""
        try:
            return self.engine.accounts.resolve(account)
        except UnknownAccount as unknown:
            text = f"Bad Request: accountId is not valid: {account[:32]}"
            brokerage = self.path.startswith("/iserver")  # elsewhere IBKR answers 401, and has not ended the session
            status, said = (400, text) if brokerage else (401, unknown.detail)
            raise Refusal(status, said, code=unknown.code, advice=unknown.advice) from None

    @property
    def selected(self) -> str:
        """The account that this caller has chosen, else the first one. Raises BrokerAway."""
        if self.caller.selected is not None:
            return self.caller.selected
        accounts = self.engine.sessions.current.accounts
        return accounts[0] if accounts else self.engine.accounts.resolve(None)

    @property
    def meant(self) -> frozenset[str]:
        """The accounts that a list is asked of. Raises Refusal, BrokerAway."""
        named = self.query.get("accountId") or self.query.get("account_id") or self.selected
        return frozenset(self.engine.sessions.current.accounts if named == ALL else (self.checked(named),))


Handler = Callable[[Call], Awaitable[Any]]
"""Gives a JSON value or a Reply. Raises Refusal and what the engine raises."""
