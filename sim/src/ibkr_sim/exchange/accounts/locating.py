"""Shares for short sales: who may sell what it does not own."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from ibkr_sim.exchange.accounts.ledger import Ledger
from ibkr_sim.exchange.model import Contract, OrderRequest, Side

NOT_AVAILABLE = (
    404,
    (
        "Shares for this order are not immediately available for short sale. "
        "The order will be held while we attempt to locate the shares."
    ),
)


class Locating:
    """Shares that can be borrowed, by conid; a contract that is not named has as many as anybody wants."""

    def __init__(self, ledger: Ledger, shortable: Mapping[int, Decimal]) -> None:
        self._ledger, self._shortable = ledger, dict(shortable)

    @property
    def shortable(self) -> Mapping[int, Decimal]:
        return dict(self._shortable)

    def is_unlimited(self, conid: int) -> bool:
        return conid not in self._shortable

    def available(self, conid: int) -> Decimal | None:
        """What is left to borrow; None when there is no end to it."""
        pool = self._shortable.get(conid)
        return None if pool is None else max(pool - self._lent(conid), Decimal(0))

    def set(self, conid: int, shares: Decimal | None) -> None:
        if shares is None:
            self._shortable.pop(conid, None)
        else:
            self._shortable[conid] = shares

    def suffices(self, request: OrderRequest, contract: Contract, remaining: Decimal) -> bool:
        if request.side is Side.BUY or contract.sec_type != "STK":
            return True
        available = self.available(request.conid)
        if available is None:
            return True
        owners = [account for account, _weight in request.shares] or [request.account]
        positions = (self._ledger.position(owner, request.conid) for owner in owners)
        held = sum((max(row.quantity, Decimal(0)) for row in positions if row), Decimal(0))
        return remaining - held <= available

    def _lent(self, conid: int) -> Decimal:
        rows = (account.holdings.get(conid) for account in self._ledger.clients())
        return -sum((row.quantity for row in rows if row is not None and row.quantity < 0), Decimal(0))
