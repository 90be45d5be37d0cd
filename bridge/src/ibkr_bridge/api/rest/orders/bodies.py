"""What callers send about orders, and the commands it becomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Final, Literal

from pydantic import AwareDatetime, BeforeValidator, Field, StrictBool

from ibkr_bridge.api.contracts import SMART, Words
from ibkr_bridge.api.numbers import Number, Positive
from ibkr_bridge.api.rest.orders.terms import (
    AdjustBody,
    AlgoBody,
    AnySide,
    AnyTif,
    AnyType,
    Body,
    ConditionsBody,
    ContractBody,
    LegBody,
    Legs,
    OcaBody,
    lower,
)
from ibkr_bridge.api.text import PRINTABLE, Account, Word, several
from ibkr_bridge.domain.contract import COMBO, ContractQuery
from ibkr_bridge.domain.errors import InvalidRequest
from ibkr_bridge.domain.order import OrderStatus, PlaceOrder, Resolution
from ibkr_bridge.domain.terms import ChangeOrder, OcaType, OrderType, Terms, TimeInForce

CLIENT_ORDER_ID = r"^[!-~]([ -~]{0,62}[!-~])?$"


ClientOrderId = Annotated[
    str,
    Field(pattern=CLIENT_ORDER_ID, description="Yours; the same id again answers with the same order, never a second."),
]


_PLAIN: Final = (
    *("side", "qty", "type", "limit", "stop", "trail", "trail_percent", "limit_offset", "offset", "tif"),
    *("good_till", "good_after", "outside_rth", "display_qty", "min_qty", "all_or_none", "hidden"),
)
"""Fields that the terms have under the same name."""
_AT_ONCE: Final = (TimeInForce.IOC, TimeInForce.FOK, TimeInForce.OPG)
Note = Annotated[str, Field(min_length=1, max_length=500, pattern=PRINTABLE)]


class ExitBody(Body):
    """An order that waits until the one it belongs to has filled, and then closes what that has opened."""

    client_order_id: ClientOrderId | None = None
    tif: AnyTif | None = Field(default=None, description="Default: as the order, or DAY where that trades at once only")

    def exit(self, entry: PlaceOrder, kind: OrderType, **prices: Any) -> PlaceOrder:
        """On the other side, over the same quantity."""
        tif = self.tif or (TimeInForce.DAY if entry.terms.tif in _AT_ONCE else entry.terms.tif)
        terms = Terms(
            entry.terms.side.other,
            entry.terms.qty,
            kind,
            tif=tif,
            outside_rth=entry.terms.outside_rth,
            good_till=entry.terms.good_till if tif is TimeInForce.GTD else None,
        )
        return PlaceOrder(entry.contract, replace(terms, **prices), entry.account, self.client_order_id)


class TakeProfitBody(ExitBody):
    limit: Positive

    def command(self, entry: PlaceOrder) -> PlaceOrder:
        return self.exit(entry, OrderType.LIMIT, limit=self.limit)


class StopLossBody(ExitBody):
    """A stop at a price, or one that trails."""

    stop: Positive | None = Field(default=None, description="Needed unless it trails")
    limit: Positive | None = Field(default=None, description="With it the stop becomes a STOP_LIMIT")
    trail: Positive | None = Field(default=None, description="It follows the market at this distance")
    trail_percent: Positive | None = None

    def command(self, entry: PlaceOrder) -> PlaceOrder:
        trails = self.trail is not None or self.trail_percent is not None
        fixed = OrderType.STOP if self.limit is None else OrderType.STOP_LIMIT
        return self.exit(
            entry,
            OrderType.TRAIL if trails else fixed,
            limit=self.limit,
            stop=self.stop,
            trail=self.trail,
            trail_percent=self.trail_percent,
        )


class OrderBody(ContractBody):
    """A new order. The contract is named flat (`symbol`, `conid` ...), as `contract`, or as the `legs` of a combo."""

    contract: ContractBody | None = None
    legs: Legs | None = Field(default=None, description="A combo; `limit` is then what its legs cost together")
    side: AnySide
    qty: Positive
    type: AnyType
    limit: Number | None = Field(
        default=None, description="Needed for LIMIT, STOP_LIMIT, LIMIT_IF_TOUCHED and LIMIT_ON_CLOSE; else a cap"
    )
    stop: Positive | None = Field(
        default=None, description="What awakes STOP, STOP_LIMIT, *_IF_TOUCHED; the first stop of what trails"
    )
    trail: Positive | None = Field(default=None, description="TRAIL and TRAIL_LIMIT: the distance, or")
    trail_percent: Positive | None = Field(default=None, description="the distance in percent")
    limit_offset: Positive | None = Field(default=None, description="TRAIL_LIMIT: how far the limit is from the stop")
    offset: Number | None = Field(default=None, description="RELATIVE and PEG_MID: more aggressive by this much")
    tif: AnyTif = TimeInForce.DAY
    good_till: AwareDatetime | None = Field(default=None, description="With the time in force GTD")
    good_after: AwareDatetime | None = Field(default=None, description="It works from then on")
    outside_rth: StrictBool = Field(default=False, description="Also fill outside regular trading hours")
    display_qty: Positive | None = Field(default=None, description="What the exchange shows of it at a time")
    min_qty: Positive | None = Field(default=None, description="Fill at least this much at once")
    all_or_none: StrictBool = False
    hidden: StrictBool = False
    oca: OcaBody | None = None
    conditions: ConditionsBody | None = None
    algo: AlgoBody | None = None
    adjust: AdjustBody | None = None
    account: Account | None = Field(default=None, description="Default: the configured account, else the only one")
    client_order_id: ClientOrderId | None = None
    take_profit: TakeProfitBody | None = Field(
        default=None, description="A LIMIT order on the other side, once this one has filled"
    )
    stop_loss: StopLossBody | None = Field(
        default=None, description="A STOP order on the other side; of the two, one that fills takes the other back"
    )

    def command(self, idempotency_key: str | None = None) -> PlaceOrder:
        """Raises InvalidRequest where two words contradict each other."""
        entry = self._entry(idempotency_key)
        exits = [body.command(entry) for body in (self.take_profit, self.stop_loss) if body is not None]
        return replace(entry, children=tuple(exits))

    def _entry(self, idempotency_key: str | None) -> PlaceOrder:
        plain = {name: getattr(self, name) for name in _PLAIN}
        terms = Terms(
            **plain,
            oca=self.oca.oca() if self.oca else None,
            conditions=self.conditions.conditions() if self.conditions else None,
            algo=self.algo.algo() if self.algo else None,
            adjust=self.adjust.adjustment() if self.adjust else None,
        )
        return PlaceOrder(self._contract(), terms, self.account, self._id(idempotency_key))

    def _contract(self) -> ContractQuery:
        flat = self.words()
        if self.legs is not None:
            return self._combo(flat, self.legs)
        if self.contract is None:
            return flat.query()
        if flat != Words():
            raise InvalidRequest("Name the contract flat or as `contract`, not both.", field="contract")
        return self.contract.words().query()

    def _combo(self, flat: Words, legs: Sequence[LegBody]) -> ContractQuery:
        if self.contract is not None or flat != Words(exchange=self.exchange):
            raise InvalidRequest("A combo is named by its legs alone, and `exchange` if it is not SMART.", field="legs")
        return ContractQuery(
            sec_type=COMBO,
            exchange=(self.exchange or SMART).upper(),
            currency="",
            legs=tuple(leg.query() for leg in legs),
        )

    def _id(self, idempotency_key: str | None) -> str | None:
        if None not in (self.client_order_id, idempotency_key) and self.client_order_id != idempotency_key:
            raise InvalidRequest(
                "client_order_id and the header Idempotency-Key are the same thing and differ.", field="client_order_id"
            )
        return self.client_order_id or idempotency_key


class GroupBody(Body):
    """Orders of which one that fills takes the others back."""

    orders: Annotated[tuple[OrderBody, ...], *several(2, 20)]
    type: Annotated[OcaType, BeforeValidator(lower)] = Field(
        default=OcaType.CANCEL, description="What becomes of the others when one fills"
    )


class ChangeBody(Body):
    """New values for a working order; what is not named stays."""

    qty: Positive | None = Field(default=None, description="The new total, including what has filled")
    limit: Number | None = None
    stop: Positive | None = None
    trail: Positive | None = None
    trail_percent: Positive | None = None
    limit_offset: Positive | None = None
    offset: Number | None = None
    tif: AnyTif | None = None
    confirm: Annotated[tuple[Word, ...], Field(max_length=50)] = Field(
        default=(), description="IBKR's message ids, of a change that was answered with questions, that you confirm"
    )

    def command(self) -> ChangeOrder:
        """Raises InvalidRequest when nothing is to change."""
        values = {name: value for name, value in self if name != "confirm"}
        if not any(value is not None for value in values.values()):
            raise InvalidRequest(f"Name at least one of {', '.join(values)}.", field="qty")
        return ChangeOrder(**values, confirmed=frozenset(self.confirm))


class AnswerBody(Body):
    """Your answer to every question in the order's `questions`."""

    confirm: StrictBool = Field(description="true: place it with exactly these confirmed; false: let it go")


class ResolutionBody(Body):
    """Your verdict on an order whose fate is unknown, after you have looked for it in TWS."""

    status: Literal["never_arrived", "cancelled", "rejected", "expired", "filled"]
    note: Note = Field(description="How you know; kept with the order")
    filled_qty: Positive | None = Field(
        default=None, description="What filled; for `filled` the whole order, if left out"
    )
    avg_fill_price: Positive | None = None

    def resolution(self) -> Resolution:
        return Resolution(OrderStatus(self.status), self.note, self.filled_qty, self.avg_fill_price)
