"""Faults of answers to questions about orders: the id is gone, and the order perhaps not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from ibkr_sim.faults.fault import WEBAPI, Fault
from ibkr_sim.faults.moments import HttpAnswer, Moment, Overruled, Reply
from ibkr_sim.faults.ports import Door

NOT_FOUND = HttpAnswer({"error": "reply id not found"}, 400)
UNAVAILABLE = HttpAnswer({"error": "Service Unavailable", "statusCode": 503}, 503)


@dataclass(eq=False)
class ReplyRace(Fault):
    """The reply id is refused with 400, or 503, as if another order's question had come in between; the order is gone.

    Two questions open at once make the older id unknown (ibind#35, #103; recorded as 503 by ibkr-conduit).
    """

    acts_on: ClassVar[Moment | None] = Moment.REPLY
    doors: ClassVar[frozenset[Door]] = WEBAPI
    status: int = 400

    def replying(self, reply: Reply) -> None:
        raise Overruled(UNAVAILABLE if self.status == 503 else NOT_FOUND)


@dataclass(eq=False)
class StaleReply(Fault):
    """503 to the reply, and the order goes live later all the same: when a question of its kind is confirmed next.

    A 503 to a reply is ambiguous; what seemed refused became live with the next confirmation (ibkr-conduit ADR-0006).
    """

    acts_on: ClassVar[Moment | None] = Moment.REPLY
    doors: ClassVar[frozenset[Door]] = WEBAPI
    _kept: list[Reply] = field(default_factory=list, init=False)

    def replying(self, reply: Reply) -> None:
        if reply.confirmed:  # a yes was carried out late; no has never been turned round
            self._kept.append(reply)
        raise Overruled(UNAVAILABLE)

    def replied(self, reply: Reply) -> None:
        due = [row for row in self._kept if reply.confirmed and row.kinds & reply.kinds]
        self._kept = [row for row in self._kept if row not in due]
        for row in due:
            row.submit()
