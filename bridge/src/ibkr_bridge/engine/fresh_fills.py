"""Our own fills that the last told position may not show yet: counted until it certainly does."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import accumulate

from ibkr_bridge.domain.combos import by_leg
from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.domain.order import Order
from ibkr_bridge.domain.terms import Side
from ibkr_bridge.guards.verdict import Fresh
from ibkr_bridge.ports.clock import Clock

Key = tuple[str, int]
"""An account and a conid."""
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class _Move:
    at: datetime
    """When we heard of it."""
    contract: Contract
    qty: Decimal
    """With its sign: what it does to the position."""


class FreshFills:
    """Fills and positions come one after the other, in either order: TWS tells each by itself, the Web API is asked.

    A position that has just been told may have any number of the earliest fresh fills in it, and may lack the others.
    Which, is known in two cases alone: it has changed by exactly what some of them add up to, or every position has
    been told in a look that shows what was heard before a certain moment. Until then all readings are possible, and
    whoever asks takes the worst one: too strict for moments, too loose never.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._moves: dict[Key, list[_Move]] = {}

    def filled(self, before: Order, after: Order) -> None:
        """An order of ours has changed."""
        if before.filled_qty == after.filled_qty and before.fills is after.fills:
            return
        earlier = _moved(before)
        for contract, qty in _moved(after).values():
            more = qty - earlier[contract.conid][1]
            if more:
                move = _Move(self._clock.now(), contract, more)
                self._moves.setdefault((after.account, contract.conid), []).append(move)

    def told(self, key: Key, change: Decimal) -> None:
        """A position was told, which differs by so much from the one before.

        Of the fills that make this difference, one after the other, those that end soonest are taken to be in it.
        """
        moves, total, sums = self._moves.get(key, []), ZERO, {ZERO}
        for count, move in enumerate(moves if change else (), 1):
            total += move.qty
            if total - change in sums:
                self._keep(key, moves[count:])
                return
            sums.add(total)

    def complete(self, shows: datetime) -> None:
        """Every position was told, with all that was heard up to that moment in it."""
        for key, moves in list(self._moves.items()):
            self._keep(key, [move for move in moves if move.at > shows])

    def of(self, key: Key) -> Fresh:
        """The most that may have been bought, and the most that may have been sold, beyond the told position."""
        latest_first = (move.qty for move in reversed(self._moves.get(key, [])))
        missing = [ZERO, *accumulate(latest_first)]
        return Fresh(bought=max(missing), sold=-min(missing))

    def contracts(self, account: str) -> Iterable[Contract]:
        """Those of the account in which something has just filled."""
        return [moves[0].contract for (holder, _conid), moves in self._moves.items() if holder == account]

    def oldest(self, account: str) -> datetime | None:
        return min((moves[0].at for (holder, _conid), moves in self._moves.items() if holder == account), default=None)

    def _keep(self, key: Key, moves: list[_Move]) -> None:
        if moves:
            self._moves[key] = moves
        else:
            self._moves.pop(key, None)


def _moved(order: Order) -> dict[int, tuple[Contract, Decimal]]:
    """What an order has done so far to the position in each contract, by conid.

    The broker's total counts where it is ahead of the fills, and a leg's fills where they are ahead of the combo's.
    """
    found = {}
    for part in by_leg(order):
        conid = part.contract.conid
        legs = sum((fill.qty for fill in order.fills if fill.leg == conid), ZERO) if order.contract.legs else ZERO
        filled = max(part.filled_qty, legs)
        found[conid] = part.contract, filled if part.terms.side is Side.BUY else -filled
    return found
