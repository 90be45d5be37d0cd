"""The moments at which something may step in at this door; by itself nothing does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ibkr_sim.exchange.model import Order, OrderRequest
from ibkr_sim.webapi.answers import Answer


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as far as it can be told before it is handled; `path` is without its prefix."""

    method: str
    path: str
    peer: str
    """`127.0.0.1:54321`."""


class Cut(Exception):
    """Raised from `answering`: the first `sent` bytes of the answer leave, then the connection ends."""

    def __init__(self, sent: int = 0) -> None:
        super().__init__("the answer is cut")
        self.sent = sent


class Moments(Protocol):
    """Each may take its time; whoever hangs here hangs one request alone."""

    async def asking(self, asked: Asked) -> Answer | None:
        """Before a request is handled; an answer here is given in its place. Raises Cut."""

    async def answering(self, asked: Asked, answer: Answer) -> Answer:
        """Before an answer leaves. Raises Cut."""

    def placing(self, request: OrderRequest) -> None:
        """Before the exchange has an order. Raises Rejected."""

    def placed(self, request: OrderRequest, order: Order | None) -> None:
        """After it; None when the exchange has refused it."""

    def telling(self, session: str, message: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
        """What leaves over the WebSocket instead of a message; `session` is the token of its session."""


class Undisturbed:
    """Every moment passes."""

    async def asking(self, _asked: Asked) -> Answer | None:
        return None

    async def answering(self, _asked: Asked, answer: Answer) -> Answer:
        return answer

    def placing(self, request: OrderRequest) -> None: ...

    def placed(self, request: OrderRequest, order: Order | None) -> None: ...

    def telling(self, _session: str, message: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
        return (message,)
