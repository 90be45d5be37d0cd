"""An order between acceptance and its end, and the numbers it carries."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256
from typing import Any

from ibkr_sim.exchange.model import Order, OrderRequest, Side, Status
from ibkr_sim.exchange.orders.families.kinds import KINDS, Kind
from ibkr_sim.exchange.orders.families.trailing import trailing_limit
from ibkr_sim.exchange.terms import Condition

PRICE_EXACTNESS = Decimal("0.00000001")
_NOTHING = Decimal(0)


class Gate(StrEnum):
    """What an order can wait for before it may work, in the order in which it is looked at."""

    PARENT = "child"
    SHARES = "locate"
    TIME = "time"
    CONDITIONS = "condition"
    HOURS = "hours"
    AUCTION = "auction"


_NO_GATES: frozenset[Gate] = frozenset()
_NO_CONDITIONS: frozenset[Condition] = frozenset()


class Ticket:
    """The exchange's working copy; everyone else sees frozen `order()` values of it.

    There may be a hundred thousand of them: what is the same for most is shared.
    """

    __slots__ = (
        *(
            "auction",
            "average_price",
            "commission",
            "created_at",
            "filled",
            "first_stop",
            "gate",
            "kind",
            "last_price",
            "notice",
        ),
        *("paid", "passed", "peg", "perm_id", "reason", "request", "sequence", "status", "stop", "triggered"),
        *("updated_at", "withdrawn", "witnessed"),
    )

    def __init__(self, perm_id: int, request: OrderRequest, now: datetime) -> None:
        self.perm_id = perm_id
        self.request = request
        self.status = Status.PRE_SUBMITTED
        self.filled = self.paid = self.last_price = self.average_price = _NOTHING
        self.commission: Decimal | None = None
        self.created_at = self.updated_at = now
        self.reason = ""
        self.withdrawn = False
        """Whether it was the client who ended it."""
        self.sequence = 0
        """Its place among orders of the same price: lower came first."""
        self.gate: Gate | None = None
        self.passed = _NO_GATES
        """Gates that do not close again."""
        self.witnessed = _NO_CONDITIONS
        self.auction: datetime | None = None
        """When the auction is that it is meant for."""
        self.notice: tuple[int, str] | None = None
        self._arm()

    def _arm(self) -> None:
        request = self.request
        self.kind: Kind = KINDS[request.order_type]
        self.triggered = self.kind.trigger is None
        self.stop = request.stop_price if self.kind.auxiliary else request.trail_stop
        self.first_stop = self.stop
        self.peg: Decimal | None = None
        """The limit of a pegged order as the quote now has it."""

    @property
    def side(self) -> Side:
        return self.request.side

    @property
    def remaining(self) -> Decimal:
        return self.request.quantity - self.filled

    @property
    def limit(self) -> Decimal | None:
        """The worst price it accepts; None for any."""
        if self.kind.limit:
            return self.request.limit_price
        if self.request.order_type == "TRAIL LIMIT" and self.stop is not None:
            return trailing_limit(self.request, self.stop, self.first_stop or self.stop)
        return self.peg

    @property
    def whole(self) -> bool:
        """Whether it fills in one go or not at all."""
        return self.request.all_or_none or self.request.tif == "FOK"

    @property
    def displayed(self) -> Decimal:
        """The size that others see of it."""
        if self.request.hidden or self.whole:
            return _NOTHING
        return min(self.remaining, self.request.display_size or self.remaining)

    @property
    def why_held(self) -> str:
        if self.status is not Status.PRE_SUBMITTED:
            return ""
        return ",".join([*([self.gate.value] if self.gate else []), *(() if self.triggered else ("trigger",))])

    def reckon(self) -> None:
        """Find the average price anew, after what has filled has changed."""
        average = self.paid / self.filled if self.filled else _NOTHING
        exponent = average.as_tuple().exponent
        is_short = isinstance(exponent, int) and exponent >= -8
        self.average_price = average if is_short else average.quantize(PRICE_EXACTNESS)

    def amend(self, request: OrderRequest, now: datetime) -> None:
        """Other terms; one whose trigger changes waits for it anew."""
        before, self.request, self.updated_at = self.request, request, now
        if _trigger(before) != _trigger(request):
            self._arm()
            self.status = Status.SUBMITTED if self.triggered else Status.PRE_SUBMITTED
        if before.conditions != request.conditions:
            self.passed -= {Gate.CONDITIONS}
            self.witnessed = _NO_CONDITIONS
        if request.quantity > before.quantity:
            self.passed -= {Gate.SHARES}
        if (before.order_type, before.tif) != (request.order_type, request.tif):
            self.passed -= {Gate.HOURS, Gate.AUCTION}
            self.auction = None

    def trail_to(self, stop: Decimal) -> None:
        self.first_stop = stop if self.first_stop is None else self.first_stop
        self.stop = stop

    def fill(self, quantity: Decimal, price: Decimal, now: datetime) -> None:
        self.filled += quantity
        self.paid += quantity * price
        self.last_price = price
        self.updated_at = now
        self.status = Status.SUBMITTED if self.remaining else Status.FILLED
        self.reckon()

    def correct(self, quantity: Decimal, value: Decimal, price: Decimal, now: datetime) -> None:
        """Change what has filled, and what was paid for it; an order that has ended stays ended."""
        self.filled += quantity
        self.paid += value
        self.last_price, self.updated_at = price, now
        self.reckon()

    def move(self, status: Status, now: datetime, reason: str = "") -> None:
        self.status, self.reason, self.updated_at = status, reason, now

    def order(self) -> Order:
        return Order(
            perm_id=self.perm_id,
            request=self.request,
            status=self.status,
            filled=self.filled,
            remaining=self.remaining,
            average_price=self.average_price,
            last_price=self.last_price,
            commission=self.commission,
            created_at=self.created_at,
            updated_at=self.updated_at,
            reason=self.reason,
            withdrawn=self.withdrawn,
            stop=self.stop,
            why_held=self.why_held,
            notice=self.notice,
        )


class Numbering:
    """Numbers that repeat with seed and opening time, and differ between any two other runs."""

    def __init__(self, seed: int, origin: datetime) -> None:
        digest = sha256(f"{seed}/{origin.isoformat()}".encode()).digest()
        self._run = digest[:4].hex()
        self._perm_id = 1_000_000_000 + int.from_bytes(digest[4:8], "big") % 1_000_000_000
        self._execution = int.from_bytes(digest[8:11], "big") << 4
        self._sequence = 0

    @property
    def state(self) -> list[str | int]:
        """Where the counting stands; set to go on from there."""
        return [self._run, self._perm_id, self._execution, self._sequence]

    @state.setter
    def state(self, state: Sequence[Any]) -> None:
        self._run, self._perm_id, self._execution, self._sequence = state

    def perm_id(self) -> int:
        self._perm_id += 1
        return self._perm_id

    def exec_id(self) -> str:
        """Four parts as IBKR's; the last counts corrections of the same execution."""
        self._execution += 1
        return f"{self._run}.{self._execution:08x}.01.01"

    def sequence(self) -> int:
        self._sequence += 1
        return self._sequence


def leg_exec_id(exec_id: str, leg: int) -> str:
    """The third part counts: 1 is the order's own execution, what follows are a combination's legs."""
    run, execution, _part, correction = exec_id.split(".")
    return f"{run}.{execution}.{leg + 1:02d}.{correction}"


def _trigger(request: OrderRequest) -> tuple[object, ...]:
    return request.order_type, request.stop_price, request.trailing_percent, request.trail_stop
