"""What the positions ought to be: from an agreed beginning, every fill, ours and others', counted once."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from ibkr_bridge.domain.contract import COMBO
from ibkr_bridge.domain.events import Executed
from ibkr_bridge.domain.fills import fill_of, revision

Key = tuple[str, int]
"""An account and a conid."""
ZERO = Decimal(0)


@dataclass(slots=True)
class Stranger:
    """A fill of an order that is not ours, in its latest version."""

    exec_id: str
    key: Key
    signed_qty: Decimal
    at: datetime


@dataclass(slots=True)
class Balance:
    began_at: datetime | None
    """None until a beginning was agreed on."""
    seq: int
    """The last event of the journal that is counted in."""
    expected: dict[Key, Decimal] = field(default_factory=dict)
    strangers: dict[str, Stranger] = field(default_factory=dict)
    """By what an execution and its corrections share."""

    def count(self, seq: int, event: object) -> None:
        """An event of the journal, once."""
        if seq <= self.seq:
            return
        self.seq = seq
        if isinstance(event, Executed) and event.contract.sec_type != COMBO:  # its legs move the positions
            self._add((event.account, event.contract.conid), event.signed_net_qty)

    def count_stranger(self, event: Executed) -> bool:
        """An execution of somebody else's order; False when it is known in this version or a later one.

        Those known before the beginning are in the beginning. A combo's as a whole moves no position: its legs' do.
        """
        if event.contract.sec_type == COMBO:
            return False
        name, key = fill_of(event.exec_id), (event.account, event.contract.conid)
        known = self.strangers.get(name)
        if known is not None and revision(event.exec_id) <= revision(known.exec_id):
            return False
        self.strangers[name] = Stranger(event.exec_id, key, event.signed_qty, event.at)
        self._add(key, event.signed_qty - (known.signed_qty if known else ZERO))
        return True

    def begin(self, at: datetime, actual: dict[Key, Decimal]) -> None:
        """What the broker shows now is right."""
        self.began_at, self.expected = at, dict(actual)

    def forget(self, before: datetime, shown: Collection[str]) -> None:
        """Others' fills that the broker will not show again need not be told from new ones."""
        self.strangers = {name: row for name, row in self.strangers.items() if row.at >= before or name in shown}

    def foreign(self, key: Key) -> Decimal:
        return sum((stranger.signed_qty for stranger in self.strangers.values() if stranger.key == key), ZERO)

    def differences(self, actual: dict[Key, Decimal]) -> dict[Key, Decimal]:
        """By how much the broker's quantity is more than ours, wherever it is another."""
        if self.began_at is None:
            return {}
        found = {key: actual.get(key, ZERO) - self.expected.get(key, ZERO) for key in {*actual, *self.expected}}
        return {key: difference for key, difference in found.items() if difference}

    def dump(self) -> str:
        positions = [[*key, str(qty)] for key, qty in self.expected.items() if qty]
        strangers = [
            [row.exec_id, *row.key, str(row.signed_qty), row.at.isoformat()] for row in self.strangers.values()
        ]
        at = self.began_at.isoformat() if self.began_at else None
        kept = {"at": at, "seq": self.seq, "positions": positions, "strangers": strangers}
        return json.dumps(kept)

    @classmethod
    def load(cls, text: str) -> Balance:
        """Raises ValueError, KeyError and TypeError for what `dump` has not written."""
        kept = json.loads(text)
        return cls(
            began_at=datetime.fromisoformat(kept["at"]) if kept["at"] else None,
            seq=int(kept["seq"]),
            expected={(account, conid): Decimal(qty) for account, conid, qty in kept["positions"]},
            strangers={
                fill_of(exec_id): Stranger(exec_id, (account, conid), Decimal(qty), datetime.fromisoformat(at))
                for exec_id, account, conid, qty, at in kept["strangers"]
            },
        )

    def _add(self, key: Key, qty: Decimal) -> None:
        self.expected[key] = self.expected.get(key, ZERO) + qty
