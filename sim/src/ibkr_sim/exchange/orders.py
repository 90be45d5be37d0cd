"""An order between acceptance and its end, and the numbers it carries."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from hashlib import sha256

from ibkr_sim.exchange.model import Order, OrderRequest, Side, Status

PRICE_EXACTNESS = Decimal("0.00000001")


class Ticket:
    """The exchange's working copy; everyone else sees frozen `order()` values of it."""

    def __init__(self, perm_id: int, request: OrderRequest, now: datetime) -> None:
        self.perm_id = perm_id
        self.request = request
        self.status = Status.PRE_SUBMITTED
        self.filled = Decimal(0)
        self.paid = Decimal(0)
        self.last_price = Decimal(0)
        self.commission: Decimal | None = None
        self.created_at = self.updated_at = now
        self.reason = ""
        self.sequence = 0
        """Its place among orders of the same price: lower came first."""
        self.triggered = not request.order_type.startswith("STP")

    @property
    def side(self) -> Side:
        return self.request.side

    @property
    def remaining(self) -> Decimal:
        return self.request.quantity - self.filled

    @property
    def limit(self) -> Decimal | None:
        """The worst price it accepts; None for any."""
        return self.request.limit_price if self.request.order_type in ("LMT", "STP LMT") else None

    @property
    def average_price(self) -> Decimal:
        if not self.filled:
            return Decimal(0)
        average = self.paid / self.filled
        exponent = average.as_tuple().exponent
        return average if isinstance(exponent, int) and exponent >= -8 else average.quantize(PRICE_EXACTNESS)

    def fill(self, quantity: Decimal, price: Decimal, now: datetime) -> None:
        self.filled += quantity
        self.paid += quantity * price
        self.last_price = price
        self.updated_at = now
        self.status = Status.SUBMITTED if self.remaining else Status.FILLED

    def correct(self, quantity: Decimal, value: Decimal, price: Decimal, now: datetime) -> None:
        """Change what has filled, and what was paid for it; an order that has ended stays ended."""
        self.filled += quantity
        self.paid += value
        self.last_price, self.updated_at = price, now

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
        )


class Numbering:
    """Numbers that repeat with seed and opening time, and differ between any two other runs."""

    def __init__(self, seed: int, origin: datetime) -> None:
        digest = sha256(f"{seed}/{origin.isoformat()}".encode()).digest()
        self._run = digest[:4].hex()
        self._perm_id = 1_000_000_000 + int.from_bytes(digest[4:8], "big") % 1_000_000_000
        self._execution = int.from_bytes(digest[8:11], "big") << 4
        self._sequence = 0

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
