"""Faults of what is told about fills: twice, late, in the wrong order, corrected."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import ClassVar, TypeVar

from ibkr_sim.exchange.model import Execution
from ibkr_sim.faults.fault import Fault
from ibkr_sim.faults.moments import Moment, Snapshot
from ibkr_sim.faults.ports import Client, Kind, Message

Told = set[tuple[Client, str]]
FILL_KINDS = (Kind.EXECUTION, Kind.COMMISSION)
Row = TypeVar("Row")


@dataclass(eq=False)
class DuplicateExecution(Fault):
    """The same execDetails, with the same execId, comes twice in a row; it happened once (LEAN#884).

    At the Web API's door this and the other faults of executions act on the topic `str`.
    """

    acts_on: ClassVar[Moment | None] = Moment.EXECUTION
    _chosen: Told = field(default_factory=set, init=False)

    def executing(self, client: Client, message: Message) -> None:
        self._chosen.add((client, message.exec_id))

    def leaving(self, client: Client, message: Message) -> Iterable[Message]:
        if message.kind is not Kind.EXECUTION or message.asked or (client, message.exec_id) not in self._chosen:
            return (message,)
        self._chosen.discard((client, message.exec_id))
        return (message, message)


@dataclass(eq=False)
class LateExecution(Fault):
    """The status says Filled at once; execution and commission come so much later, and no list has them before."""

    acts_on: ClassVar[Moment | None] = Moment.EXECUTION
    seconds: Decimal = Decimal(5)
    real: bool = False
    _late: Told = field(default_factory=set, init=False)
    _kept: list[tuple[Client, Message]] = field(default_factory=list, init=False)

    def executing(self, client: Client, message: Message) -> None:
        self._late.add((client, message.exec_id))
        self.stage.after(self.seconds, partial(self._tell, client, message.exec_id), real=self.real)

    def leaving(self, client: Client, message: Message) -> Iterable[Message]:
        if message.kind not in FILL_KINDS or (client, message.exec_id) not in self._late:
            return (message,)
        # What a list shows of it is lost, not late: only what is told as it happens comes again.
        if message.exec_id not in {row.exec_id for _client, row in self._kept if row.kind is message.kind}:
            self._kept.append((client, message))
        return ()

    def visible(self, client: Client, snapshot: Snapshot, rows: Sequence[Row]) -> Sequence[Row]:
        late = {exec_id for one, exec_id in self._late if one.name == client.name}
        return [row for row in rows if not _is_of(row, late)]

    def end(self) -> None:
        for client, exec_id in sorted(self._late, key=lambda row: row[1]):
            self._tell(client, exec_id)

    def _tell(self, client: Client, exec_id: str) -> None:
        if (client, exec_id) not in self._late:
            return
        self._late.discard((client, exec_id))
        due = [row for row in self._kept if (row[0], row[1].exec_id) == (client, exec_id)]
        self._kept = [row for row in self._kept if row not in due]
        for one, message in due:
            self.stage.pass_on(one, message)


@dataclass(eq=False)
class CommissionFirst(Fault):
    """The commissionReport comes before the execDetails that it belongs to (ib_insync#170)."""

    acts_on: ClassVar[Moment | None] = Moment.EXECUTION
    _chosen: Told = field(default_factory=set, init=False)
    _kept: dict[tuple[Client, str], Message] = field(default_factory=dict, init=False)

    def executing(self, client: Client, message: Message) -> None:
        self._chosen.add((client, message.exec_id))

    def leaving(self, client: Client, message: Message) -> Iterable[Message]:
        key = (client, message.exec_id)
        if message.kind is Kind.EXECUTION and key in self._chosen and not message.asked:
            self._chosen.discard(key)
            self._kept[key] = message
            return ()
        if message.kind is Kind.COMMISSION and key in self._kept:
            return (message, self._kept.pop(key))
        return (message,)


@dataclass(eq=False)
class _Amended(Fault):
    """What becomes of an execution so many simulated seconds after its commission."""

    acts_on: ClassVar[Moment | None] = Moment.EXECUTION
    seconds: Decimal = Decimal(0)
    _chosen: set[str] = field(default_factory=set, init=False)

    @abstractmethod
    def amend(self, execution: Execution) -> None: ...

    def executing(self, client: Client, message: Message) -> None:
        self._chosen.add(message.exec_id)

    def leaving(self, client: Client, message: Message) -> Iterable[Message]:
        if message.kind is Kind.COMMISSION and message.exec_id in self._chosen:
            self._chosen.discard(message.exec_id)
            self.stage.after(self.seconds, partial(self._amend, message.exec_id))
        return (message,)

    def _amend(self, exec_id: str) -> None:
        for execution, _commission in self.stage.market.executions():
            if execution.exec_id == exec_id:
                self.amend(execution)
                return


@dataclass(eq=False)
class CorrectedExecution(_Amended):
    """An execution comes again under the next .NN of its execId, at another price or size; the ledger follows.

    The price changes by `price_by`, the size by `shares_by`; it comes that many simulated seconds after the commission.
    """

    price_by: Decimal = Decimal("-0.01")
    shares_by: Decimal = Decimal(0)

    def amend(self, execution: Execution) -> None:
        price, shares = execution.price + self.price_by, execution.shares + self.shares_by
        if price > 0 and shares > 0:
            order = self.stage.market.order(execution.perm_id)
            room = order.request.quantity - order.filled + execution.shares if order else execution.shares
            self.stage.backstage.correct(execution.exec_id, price=price, shares=min(shares, room))


@dataclass(eq=False)
class BustedExecution(_Amended):
    """An execution is undone: it comes again under the next .NN of its execId, of no shares, and costs nothing.

    As exchanges break trades that were clearly erroneous. How IBKR tells of it is not on record.
    """

    def amend(self, execution: Execution) -> None:
        self.stage.backstage.bust(execution.exec_id)


def _is_of(row: object, exec_ids: set[str]) -> bool:
    match row:
        case (Execution(exec_id=exec_id), _):
            return exec_id in exec_ids
        case _:
            return False
