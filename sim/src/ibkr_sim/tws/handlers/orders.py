"""Orders: placing, changing, holding, previewing, cancelling and listing them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from ibkr_sim.exchange.model import COMBO, Contract, Order, OrderRequest, Rejected, Status
from ibkr_sim.faults.moments import Snapshot, Vanished
from ibkr_sim.tws import precautions
from ibkr_sim.tws.answers import orders as answers
from ibkr_sim.tws.answers.options import delta_neutral_validation
from ibkr_sim.tws.answers.session import SYSTEM
from ibkr_sim.tws.delta_neutral import REQUEST_FOR_QUOTE, Hedge, confirmed, hedge_of
from ibkr_sim.tws.feeds.orders import CANCELLED
from ibkr_sim.tws.requests.orders import CancelOrder, PlaceOrder
from ibkr_sim.tws.requests.session import Plain, Switch
from ibkr_sim.tws.resolution import Purpose, combined, resolve
from ibkr_sim.tws.session import Session
from ibkr_sim.tws.terms import combo_legs
from ibkr_sim.tws.times import zoned
from ibkr_sim.tws.translation import REJECTED, Circumstances, order_request
from ibkr_sim.tws.versions import ZONED_TIMES

DUPLICATE_ID, MODIFY_FILLED, ZERO_SIZE = 103, 104, 434
UNKNOWN_ORDER, NOT_CANCELLABLE = 10147, 10148
MISSING_PARENT, ONLY_CLIENT_ZERO, UNSENT_PREVIEW = 10006, 327, 413
HEDGE = "deltaNeutralContract"
ORPHAN = -1
"""Stands for a parent that the exchange has refused."""


def place_order(session: Session, order: PlaceOrder) -> None:
    try:
        contract = _contract(session, order)
        precautions.check(order, contract, session.house.settings)
        if order.fields["orderType"].upper() == REQUEST_FOR_QUOTE and HEDGE in order.blocks:
            _request_quote(session, contract, order)
            return
        request = order_request(order, contract, _circumstances(session, order))
        if order.flag("whatIf"):
            _preview(session, contract, request, transmit=order.flag("transmit"))
        else:
            _accept(session, request, transmit=order.flag("transmit"))
    except Rejected as refusal:
        session.refuse(order.order_id, refusal)
    except Vanished:
        return


def _request_quote(session: Session, contract: Contract, order: PlaceOrder) -> None:
    """Lock the hedge of a request for quotes, which nobody here answers with one. Raises Rejected."""
    book, order_id = session.house.book, order.order_id
    blocks = {name: block for name, block in order.blocks.items() if name != HEDGE}
    request = order_request(replace(order, blocks=blocks), contract, _circumstances(session, order))
    if not request.quantity:
        raise Rejected(ZERO_SIZE, "The order size cannot be zero")
    if order.flag("whatIf"):
        raise Rejected(REJECTED, "Order rejected - reason:a request for quotes has no preview.")
    if book.used(session.client_id, order_id) and not book.holds(session.client_id, order_id):
        raise Rejected(DUPLICATE_ID, "Duplicate order id")
    if order.flag("transmit"):
        hedge = _locked(session, order_id) or confirmed(session.market, contract, hedge_of(order.blocks[HEDGE]))
        request = replace(request, wire={**request.wire, HEDGE: hedge.block()})
        session.send(delta_neutral_validation(session.version, order_id, hedge.conid, hedge.delta, hedge.price))
    book.hold(request)


def _locked(session: Session, order_id: int) -> Hedge | None:
    """The hedge of a request for quotes that was sent before and stands."""
    held = session.house.book.held_one(session.client_id, order_id)
    block = None if held is None else held.wire.get(HEDGE)
    return hedge_of(block) if isinstance(block, tuple) else None


def _contract(session: Session, order: PlaceOrder) -> Contract:
    """Raises Rejected. A combination is known by its legs alone."""
    fields = order.fields
    asked = replace(order.contract, sec_id_type=fields["secIdType"], sec_id=fields["secId"])
    if asked.sec_type != COMBO:
        return resolve(session.market, asked, Purpose.ORDER)
    legs = combo_legs(order.blocks.get("comboLegs", ()))
    return combined(session.market, asked, legs, Purpose.ORDER)


def _circumstances(session: Session, order: PlaceOrder) -> Circumstances:
    """Raises Rejected for a parent that nobody knows."""
    book, zone = session.house.book, session.house.settings.time_zone
    parent_id, parent = int(order.fields["parentId"] or 0), 0
    if parent_id and not book.holds(session.client_id, parent_id):
        known = _named(session, parent_id)
        if known is None:
            raise Rejected(MISSING_PARENT, "Missing parent order.")
        parent = known.perm_id
    house = session.house
    return Circumstances(
        client_id=session.client_id,
        accounts=house.accounts,
        zone=zone,
        parent=parent,
        advisory=house.advisory,
        ignores_outside_rth=house.settings.ignores_outside_rth,
    )


def _preview(session: Session, contract: Contract, request: OrderRequest, *, transmit: bool) -> None:
    """Raises Rejected."""
    if not transmit:
        raise Rejected(UNSENT_PREVIEW, "What-if order should have the transmit flag set to true.")
    preview = session.market.preview(request)
    session.send(answers.previewed_order(session.version, contract, request, preview))


def _accept(session: Session, request: OrderRequest, *, transmit: bool) -> None:
    """A new order, a change of a known one, or the transmission of a held one. Raises Rejected."""
    book, order_id = session.house.book, request.order_id
    known = _named(session, order_id)
    if known is not None:
        _modify(session, known, request)
    elif book.used(session.client_id, order_id) and not book.holds(session.client_id, order_id):
        raise Rejected(DUPLICATE_ID, "Duplicate order id")
    elif transmit:
        _transmit(session, request)
    else:
        book.hold(request)


def _transmit(session: Session, request: OrderRequest) -> None:
    """An order, before it the parent that was held and its other children. Raises Vanished."""
    book, parent_id = session.house.book, _parent_id(request)
    book.release(session.client_id, request.order_id)
    family = book.family(request, _parent_id) if parent_id else ()
    for one in (*family, request):
        _submit(session, _with_parent(session, one))


def _with_parent(session: Session, request: OrderRequest) -> OrderRequest:
    """A child that was held before its parent was known."""
    if request.parent or not _parent_id(request):
        return request
    parent = _named(session, _parent_id(request))
    return replace(request, parent=ORPHAN if parent is None else parent.perm_id)


def _parent_id(request: OrderRequest) -> int:
    text = request.wire.get("parentId")
    return int(text) if isinstance(text, str) and text else 0


def _warn(session: Session, request: OrderRequest, filled: Decimal = Decimal(0)) -> None:
    """Of what does not keep the order from its way."""
    position = session.market.position(request.account, request.conid)
    held = Decimal(0) if position is None else position.quantity
    for code, text in precautions.warnings(request, held, session.house.settings, filled):
        session.outlet.error(request.order_id, code, text)


def _submit(session: Session, request: OrderRequest) -> None:
    _warn(session, request)
    try:
        order = session.visit.place(request)
    except Rejected as refusal:
        session.refuse(request.order_id, refusal)
        if refusal.code == REJECTED:
            session.house.book.burn(session.client_id, request.order_id)
            session.send(answers.refused_status(session.version, request))
        return
    session.house.book.record(session.client_id, request.order_id, order.perm_id)
    if order.notice is not None:
        session.outlet.error(request.order_id, *order.notice)


def _named(session: Session, order_id: int) -> Order | None:
    """The order that goes by this id: the newest that lives, else the newest."""
    found = [session.market.order(perm_id) for perm_id in session.house.book.perm_ids(session.client_id, order_id)]
    orders = [order for order in found if order is not None]
    return next((order for order in orders if not order.status.done), orders[0] if orders else None)


def _modify(session: Session, order: Order, request: OrderRequest) -> None:
    """Raises Rejected, also for an order that has ended: its id cannot be used again."""
    if order.status is Status.FILLED:
        raise Rejected(MODIFY_FILLED, "Cannot modify a filled order.")
    if order.status.done:
        raise Rejected(DUPLICATE_ID, "Duplicate order id")
    _warn(session, request, order.filled)
    changed = session.visit.modify(order.perm_id, request)
    session.house.book.record(session.client_id, request.order_id, changed.perm_id)


def cancel_order(session: Session, request: CancelOrder) -> None:
    book, order_id = session.house.book, request.order_id
    held = book.release(session.client_id, order_id)
    order = _named(session, order_id)
    other = _shown(session, order_id) if order is None else None
    if other is not None:
        _cancel_of_other(session, other)
    elif held is not None:
        _tell_withdrawn(session, held)
    elif order is None:
        session.outlet.error(order_id, UNKNOWN_ORDER, f"OrderId {order_id} that needs to be cancelled is not found.")
    elif order.status.done:
        text = f"OrderId {order_id} that needs to be cancelled cannot be cancelled, state: {order.status.value}."
        session.outlet.error(order_id, NOT_CANCELLABLE, text)
    else:
        _cancel(session, order)


def _tell_withdrawn(session: Session, held: OrderRequest) -> None:
    session.send(answers.withdrawn_status(session.version, held))
    session.outlet.error(held.order_id, CANCELLED, answers.CANCEL_TEXT)


def _shown(session: Session, order_id: int) -> Order | None:
    """Another client's working order that this one may cancel."""
    first = session.house.settings.cancels_of_others_from
    perm_id = session.house.book.shown(session.client_id, order_id)
    if perm_id is None or first is None or session.version < first:
        return None
    order = session.market.order(perm_id)
    return None if order is None or order.status.done else order


def _cancel_of_other(session: Session, order: Order) -> None:
    """Its owner is told as always; who cancels is told as if it were the owner."""
    _cancel(session, order)
    now = session.market.order(order.perm_id)
    if now is not None and now.status is Status.CANCELLED and not session.is_master:
        session.orders.status(replace(now, request=replace(now.request, client_id=session.client_id)))
        session.outlet.error(order.request.order_id, CANCELLED, answers.CANCEL_TEXT)


def _cancel(session: Session, order: Order) -> None:
    try:
        session.visit.cancel(order)
    except Rejected as refusal:
        session.refuse(order.request.order_id, refusal)
    except Vanished:
        return


def global_cancel(session: Session, _request: Plain) -> None:
    """Cancel every working order of every client, and forget those that were held."""
    for order in tuple(session.market.open_orders()):
        now = session.market.order(order.perm_id)
        if now is not None and not now.status.done:  # a child ends with its parent
            _cancel(session, now)
    for held in session.house.book.held():
        session.house.book.release(held.client_id, held.order_id)
        if held.client_id == session.client_id:
            _tell_withdrawn(session, held)


def open_orders(session: Session, _request: Plain) -> None:
    """The client's own orders; client 0 owns those that were given by hand, and binds them by asking."""
    if not session.client_id:
        _bind_all(session)
    _list(session, [order for order in session.market.open_orders() if order.request.client_id == session.client_id])


def auto_open_orders(session: Session, request: Switch) -> None:
    """From now on orders by hand come to client 0 as its own."""
    if session.client_id:
        text = "Only the default client (i.e., 0) can auto bind orders."
        session.outlet.error(SYSTEM, ONLY_CLIENT_ZERO, text)
        return
    session.market.bind_by_hand((lambda perm_id: _next_id(session, perm_id)) if request.on else None)
    if request.on:
        _bind_all(session)


def _bind_all(session: Session) -> None:
    for order in tuple(session.market.open_orders()):
        if not (order.request.client_id or order.request.order_id):
            session.market.bind(order.perm_id, _next_id(session, order.perm_id))


def _next_id(session: Session, perm_id: int) -> int:
    """Give an order client 0's next id, and say so."""
    book = session.house.book
    order_id = book.next_id(session.client_id)
    book.record(session.client_id, order_id, perm_id)
    session.send(answers.order_bound(session.version, perm_id, session.client_id, order_id))
    return order_id


def all_open_orders(session: Session, _request: Plain) -> None:
    orders = session.market.open_orders()
    for order in orders:
        if order.request.client_id != session.client_id and order.request.order_id > 0:
            session.house.book.show(session.client_id, order)
    _list(session, orders)


def _list(session: Session, orders: Sequence[Order]) -> None:
    rows, ended = session.visit.snapshot(Snapshot.OPEN_ORDERS, orders)
    for order in rows:
        session.orders.open_order(order)
        session.orders.status(order)
    if ended:
        session.send(answers.open_order_end(session.version))


def completed_orders(session: Session, request: Switch) -> None:
    """`on` leaves out what was not placed over this door."""
    zone = session.house.settings.time_zone
    rows, ended = session.visit.snapshot(Snapshot.COMPLETED_ORDERS, session.market.completed_orders())
    for order in rows:
        contract = session.market.contract(order.request.conid)
        if contract is not None and (order.request.order_id or not request.on):
            time = zoned(order.updated_at, contract.time_zone if session.version >= ZONED_TIMES else zone)
            session.send(answers.completed_order(session.version, contract, order, time))
    if ended:
        session.send(answers.completed_orders_end(session.version))
