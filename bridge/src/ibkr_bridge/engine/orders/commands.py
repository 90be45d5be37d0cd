"""Orders from a caller's wish to the broker's last word: seen before? guards, journal, send, first word."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.domain.errors import (
    BrokerAway,
    ChangePending,
    GuardDenied,
    IdReused,
    JournalAway,
    NotAsked,
    NotHeardOf,
    NotUnknown,
    OrderFinished,
    OrderForeign,
    QuestionRefused,
    UnknownOrder,
)
from ibkr_bridge.domain.events import (
    Denied,
    Established,
    Received,
)
from ibkr_bridge.domain.identity import ENTROPY_BYTES, order_id
from ibkr_bridge.domain.order import Order, OrderStatus, PlaceOrder, Preview, Resolution, in_group, related
from ibkr_bridge.domain.terms import ChangeOrder, OcaType
from ibkr_bridge.engine.accounts import Accounts
from ibkr_bridge.engine.book import OrderBook
from ibkr_bridge.engine.contracts import Contracts
from ibkr_bridge.engine.guarding.outlook import Outlook
from ibkr_bridge.engine.orders.coherence import changed, sensible
from ibkr_bridge.engine.orders.sending import Sending, denied
from ibkr_bridge.engine.orders.wishes import carried, fingerprint, group_fingerprint, possible, together
from ibkr_bridge.engine.reading import read
from ibkr_bridge.engine.recorder import Recorder
from ibkr_bridge.engine.sessions import Sessions
from ibkr_bridge.engine.settings import EngineSettings
from ibkr_bridge.guards.chain import GUARDS
from ibkr_bridge.guards.verdict import Denial, Guard, Intent
from ibkr_bridge.ports.clock import Clock
from ibkr_bridge.ports.journal import Bound, Journal, Page


@dataclass(frozen=True, slots=True)
class Placement:
    order: Order
    created: bool
    """False: the client order id was seen before, and this is its order as it stands."""
    children: tuple[Order, ...] = ()


class Orders:
    """Commands of callers. What the broker says arrives through `engine.reports`."""

    def __init__(
        self,
        journal: Journal,
        clock: Clock,
        settings: EngineSettings,
        *,
        book: OrderBook,
        recorder: Recorder,
        sessions: Sessions,
        contracts: Contracts,
        accounts: Accounts,
        outlook: Outlook,
        sending: Sending,
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._settings = settings
        self._book = book
        self._recorder = recorder
        self._sessions = sessions
        self._contracts = contracts
        self._accounts = accounts
        self._outlook = outlook
        self._sending = sending
        self._changing: set[str] = set()

    async def place(self, command: PlaceOrder, guards: tuple[Guard, ...] = GUARDS) -> Placement:
        """Place an order once. Raises GuardDenied, IdReused, BrokerAway and what contracts raise: nothing was sent.

        After a byte may have left it always answers with the order, in state `unknown` if need be.
        """
        members = together(command)
        possible(command, self._sending.door)
        account = self._accounts.resolve(command.account)
        body = fingerprint(command)
        if (seen := await self._seen(account, command.client_order_id)) is not None:
            return await self._again(seen, body)
        for child in command.children:
            _free(await self._seen(account, child.client_order_id))
        self._sessions.require()
        contract = await self._contracts.resolve(command.contract)
        members = [await self._settled(member) for member in members]
        market = await self._outlook.market(account, contract)
        # From here to the binding there is no await: two callers with one id cannot both pass.
        if command.client_order_id and (bound := self._book.bound(account, command.client_order_id)):
            return await self._again(bound, body)
        for child in command.children:
            _free(self._book.bound(account, child.client_order_id or ""))
        orders = related([self._new(member, account, contract) for member in members])
        intents = [Intent(account, contract, order.terms) for order in orders]
        if (denial := self._outlook.denial(intents, market, guards)) is not None:
            raise await self._deny(orders[0], denial)
        kept = [self._taken_on(order, body) for order in orders]
        order = await self._sending.place(orders, kept, guards)
        return Placement(order, created=True, children=await self.children(order))

    async def place_group(self, commands: Sequence[PlaceOrder], kind: OcaType = OcaType.CANCEL) -> Sequence[Placement]:
        """Place several orders of which one that fills takes the others back; IBKR has a word on each.

        To the guards they add up: two may fill before IBKR has taken the one back. Raises as `place`, of all
        of them: then nothing was sent.
        """
        carried(commands, kind, self._sending.door)
        account = self._accounts.resolve(commands[0].account)
        names = [command.client_order_id for command in commands]
        body = group_fingerprint(commands, kind)
        seen = [await self._seen(account, name) for name in names]
        if any(seen):
            return await self._group_again(seen, body)
        self._sessions.require()
        contracts = [await self._contracts.resolve(command.contract) for command in commands]
        wishes = [await self._settled(command) for command in commands]
        markets = [await self._outlook.market(account, contract) for contract in contracts]
        # From here to the binding there is no await, as in `place`.
        if any(seen := [self._book.bound(account, name or "") for name in names]):
            return await self._group_again(seen, body)
        orders = in_group(
            [self._new(wish, account, found) for wish, found in zip(wishes, contracts, strict=True)], kind
        )
        for place, (order, market) in enumerate(zip(orders, markets, strict=True)):
            intent = Intent(account, order.contract, order.terms)
            if (denial := self._outlook.denial([intent], market, ahead=orders[:place])) is not None:
                raise await self._deny(order, denial)
        kept = [self._taken_on(order, body) for order in orders]
        await self._sending.place(orders, kept)
        return [Placement(await self.get(order.id), created=True) for order in orders]

    async def _group_again(self, seen: Sequence[Bound | None], body: str) -> Sequence[Placement]:
        """The group of an earlier request, in its order; an order without a name is told while it is at hand."""
        named = [bound for bound in seen if bound is not None]
        mates = sorted(self._book.mates(named[0].order), key=lambda order: order.created_at)
        nameless = iter([Bound(mate, named[0].fingerprint) for mate in mates if mate.client_order_id is None])
        told = [bound or next(nameless, None) for bound in seen]
        return [await self._again(bound, body) for bound in told if bound is not None]

    def mates(self, order: Order) -> Sequence[Order]:
        """The other orders of its group, as far as they are at hand."""
        return self._book.mates(order)

    async def _settled(self, command: PlaceOrder) -> PlaceOrder:
        """With the conids of the contracts that its conditions name. Raises what contracts raise."""
        conditions = command.terms.conditions
        if conditions is None:
            return command
        items = [await self._contracts.condition(item) for item in conditions.items]
        told = replace(conditions, items=tuple(items))
        return replace(command, terms=replace(command.terms, conditions=told))

    def _taken_on(self, order: Order, body: str) -> asyncio.Future[int]:
        self._outlook.passed(Intent(order.account, order.contract, order.terms))
        self._book.bind(order, body)
        return self._recorder.record(order.id, Received(order, body, order.created_at))

    async def children(self, order: Order) -> tuple[Order, ...]:
        """The orders that wait for this one, as they stand; none of an order that was denied before it had any."""
        return tuple([await self.get(child) for child in order.children])

    async def preview(self, command: PlaceOrder) -> tuple[Contract, Preview]:
        """What an order would bind and cost. Raises BrokerRefused, BrokerAway, BrokerSilent."""
        sensible(command.terms, combo=bool(command.contract.legs))
        possible(command, self._sending.door)
        account = self._accounts.resolve(command.account)
        self._sessions.require()
        contract = await self._contracts.resolve(command.contract)
        command = await self._settled(command)
        return contract, await self._sending.preview(account, contract, command.terms)

    async def change(self, order_id: str, change: ChangeOrder) -> Order:
        """Change a working order; it keeps its identity. An answer that does not come makes it `unknown`."""
        order = await self._working(order_id)
        changed(order.terms, change, combo=bool(order.contract.legs))  # what makes no sense is refused at once
        self._sessions.require()
        market = await self._outlook.market(order.account, order.contract)
        order = await self._working(order_id)  # while the market was asked, another change may have come
        terms = changed(order.terms, change, combo=bool(order.contract.legs))
        intent = Intent(order.account, order.contract, terms, replaces=order)
        if (denial := self._outlook.denial([intent], market)) is not None:
            raise denied(denial)
        if order_id in self._changing:
            raise ChangePending(order_id)
        self._changing.add(order_id)
        try:
            return await self._sending.change(order, terms, change.confirmed)
        finally:
            self._changing.discard(order_id)

    async def answer(self, order_id: str, *, confirm: bool, guards: tuple[Guard, ...] = GUARDS) -> Order:
        """A caller's yes or no to the broker's open questions about an order. Raises NotAsked, QuestionRefused.

        On a yes the order is put to the broker anew, with exactly these questions confirmed, past the guards.
        """
        order = await self._awaiting(order_id)
        if order.parent_id is not None:
            raise NotAsked(order.id, order.status, parent_id=order.parent_id)
        if not confirm:
            return await self._sending.decline(order)
        if (refused := self._sending.refused(order.questions)) is not None:
            raise QuestionRefused(refused)
        self._sessions.require()
        members = [member for member in self._sending.family(order) if member.parent_id is None]
        markets = [await self._outlook.market(member.account, member.contract) for member in members]
        order = await self._awaiting(order_id)  # while the market was asked, another answer may have come
        names = {member.id for member in self._sending.family(order)}
        if names & self._changing:
            raise ChangePending(order_id)
        for member, market in zip(members, markets, strict=True):
            intent = Intent(member.account, member.contract, member.terms, replaces=member)
            if (denial := self._outlook.denial([intent], market, guards)) is not None:
                raise denied(denial)
        self._changing |= names
        try:
            return await self._sending.place_confirmed(order, guards)
        finally:
            self._changing -= names

    async def cancel(self, order_id: str) -> Order:
        """Cancel; no guard stands in the way. Answers with the order as it stands after at most a few seconds."""
        order = await self._ours(order_id)
        if order.status is OrderStatus.AWAITING_ANSWER and order_id not in self._changing:
            await self._sending.decline(order if order.parent_id is None else await self.get(order.parent_id))
            return await self.get(order_id)
        if order.status is OrderStatus.CANCELLED:
            return order
        if order.status.terminal:
            raise OrderFinished(order.id, order.status)
        self._sessions.require()
        return await self._sending.cancel(order)

    async def resolve(self, order_id: str, resolution: Resolution) -> Order:
        """A person's verdict on an unknown order; the broker may still prove it wrong. Raises NotUnknown."""
        order = await self.get(order_id)
        if order.status is not OrderStatus.UNKNOWN:
            raise NotUnknown(order.id, order.status)
        filled = resolution.status is OrderStatus.FILLED
        verdict = Established(
            resolution.status,
            f"resolved by hand: {resolution.note}",
            self._clock.now(),
            filled_qty=(resolution.filled_qty or order.terms.qty) if filled else resolution.filled_qty,
            avg_fill_price=resolution.avg_fill_price,
        )
        await self._recorder.record(order.id, verdict)
        return await self.get(order_id)

    async def get(self, order_id: str) -> Order:
        """Raises UnknownOrder."""
        order = self._book.get(order_id) or self._stranger(order_id) or await read(self._journal.order(order_id))
        if order is None or not self._accounts.visible(order.account):
            raise UnknownOrder(order_id)
        return order

    async def list(
        self,
        *,
        account: str | None = None,
        statuses: frozenset[OrderStatus] | None = None,
        cursor: str | None = None,
        limit: int = 100,
    ) -> Page:
        """Newest first."""
        seen = self._accounts.resolve(account) if account else self._settings.account
        page = await read(self._journal.orders(account=seen, statuses=statuses, cursor=cursor, limit=limit))
        latest = (self._book.get(order.id) or order for order in page.orders)
        return replace(page, orders=tuple(order for order in latest if statuses is None or order.status in statuses))

    def foreign(self, account: str | None = None) -> tuple[Order, ...]:
        """Live orders that were placed elsewhere, newest first."""
        wanted = self._accounts.resolve(account) if account else None
        visible = (order for order in self._book.foreign() if self._accounts.visible(order.account))
        return tuple(order for order in visible if wanted in (None, order.account))

    def _stranger(self, order_id: str) -> Order | None:
        return next((order for order in self._book.foreign() if order.id == order_id), None)

    async def _seen(self, account: str, client_order_id: str | None) -> Bound | None:
        """The order that has this id, unless nothing of it ever left the house."""
        if client_order_id is None:
            return None
        if (bound := self._book.bound(account, client_order_id)) is not None:
            return bound
        bound = await read(self._journal.bound(account, client_order_id))
        if bound is not None and bound.order.status is OrderStatus.RECEIVED and self._book.get(bound.order.id) is None:
            return None  # given up while the disk hung, which then kept it all the same: what lives is in the book
        return bound

    async def _again(self, bound: Bound, body: str) -> Placement:
        if bound.fingerprint != body:
            raise IdReused(bound.order.client_order_id or "", bound.order.id)
        order = await self._sending.first_word(bound.order)
        if order.status is OrderStatus.RECEIVED and self._book.get(order.id) is None:
            raise JournalAway  # its intent was not kept, and it went nowhere
        if order.status is OrderStatus.RECEIVED:  # on its way for too long: nobody knows yet, and its id stays bound
            order = self._sending.unheard(order)
        if order.status is OrderStatus.DENIED:  # nothing left the house, and its id is free again
            raise BrokerAway(order.reason or "The order was not sent.")
        return Placement(order, created=False, children=await self.children(order))

    def _new(self, command: PlaceOrder, account: str, contract: Contract) -> Order:
        now = self._clock.now()
        return Order(
            id=order_id(now, self._clock.entropy(ENTROPY_BYTES)),
            account=account,
            contract=contract,
            terms=command.terms,
            status=OrderStatus.RECEIVED,
            created_at=now,
            updated_at=now,
            client_order_id=command.client_order_id,
        )

    async def _deny(self, order: Order, denial: Denial) -> GuardDenied:
        """Keep the denial on record; the client order id stays free."""
        with suppress(OSError):  # denied it is, also when the journal cannot say so
            received = self._recorder.record(order.id, Received(order, "", order.created_at))
            self._recorder.record(order.id, Denied(f"guard.{denial.guard}", denial.detail, self._clock.now()))
            await received  # both in one batch: a crash between them must not bind the id
        return denied(denial)

    async def _awaiting(self, order_id: str) -> Order:
        order = await self.get(order_id)
        if order.status is not OrderStatus.AWAITING_ANSWER:
            raise NotAsked(order.id, order.status)
        return order

    async def _ours(self, order_id: str) -> Order:
        """Raises UnknownOrder, OrderForeign."""
        order = await self.get(order_id)
        if order.foreign:
            raise OrderForeign(order.id)
        return order

    async def _working(self, order_id: str) -> Order:
        order = await self._ours(order_id)
        if order.status.terminal:
            raise OrderFinished(order.id, order.status)
        if not any(theirs.perm_id for theirs in order.broker):
            raise NotHeardOf(order.id, order.status)
        return order


def _free(bound: Bound | None) -> None:
    """Raises IdReused: a child's id has an order already, and its parent has not."""
    if bound is not None:
        raise IdReused(bound.order.client_order_id or "", bound.order.id)
