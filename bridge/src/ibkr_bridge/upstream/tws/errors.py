"""Where a message of IBKR belongs: to the session, a request, a quote line or an order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import structlog

from ibkr_bridge.domain.errors import BrokerRefused
from ibkr_bridge.upstream.tws.codes import Code, Effect, code_of
from ibkr_bridge.upstream.tws.requests import Requests

log = structlog.get_logger()
_SYSTEM_IDS = (-1, 0, 2147483647)
"""The ids under which IBKR sends what belongs to no request."""


class Addressee(Protocol):
    def message(self, number: int, code: Code, text: str) -> bool:
        """Take a message for this id; False when it is not one of ours."""


class Messages:
    """Sorts by the code table; a text is shown but never read, since gateways translate it."""

    def __init__(
        self, requests: Requests, system: Callable[[Code, str], None], addressees: tuple[Addressee, ...]
    ) -> None:
        self._requests = requests
        self._system = system
        self._addressees = addressees

    def error(self, number: int, code_number: int, text: str) -> None:
        code = code_of(code_number)
        if number in _SYSTEM_IDS:
            self._system(code, text)
        elif not self._request(number, code, text) and not self._addressed(number, code, text):
            log.info("message of IBKR to nobody", id=number, code=code_number, text=text)

    def _request(self, number: int, code: Code, text: str) -> bool:
        if code.effect is Effect.NOTE:
            return False
        return self._requests.fail(number, BrokerRefused(code.number, text))

    def _addressed(self, number: int, code: Code, text: str) -> bool:
        return any(addressee.message(number, code, text) for addressee in self._addressees)
