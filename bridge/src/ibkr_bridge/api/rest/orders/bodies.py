"""What callers send about orders, and the commands it becomes."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, WithJsonSchema

from ibkr_bridge.api.contracts import Words
from ibkr_bridge.api.numbers import Positive
from ibkr_bridge.api.text import PRINTABLE, Account, Conid, Symbol, Word
from ibkr_bridge.domain.errors import InvalidRequest
from ibkr_bridge.domain.order import (
    ChangeOrder,
    OrderStatus,
    OrderType,
    PlaceOrder,
    Resolution,
    Side,
    Terms,
    TimeInForce,
)

_TYPES = {"LMT": "LIMIT", "MKT": "MARKET", "STP": "STOP", "STP LMT": "STOP_LIMIT", "STP_LMT": "STOP_LIMIT"}
CLIENT_ORDER_ID = r"^[!-~]([ -~]{0,62}[!-~])?$"


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _type(value: object) -> object:
    word = _upper(value)
    return _TYPES.get(word, word) if isinstance(word, str) else word


AnySide = Annotated[Side, BeforeValidator(_upper)]
AnyType = Annotated[
    OrderType,
    BeforeValidator(_type),
    WithJsonSchema({"type": "string", "enum": [*OrderType, *_TYPES]}),
    Field(description="In our words or in IBKR's, in upper or lower case."),
]
AnyTif = Annotated[TimeInForce, BeforeValidator(_upper)]
ClientOrderId = Annotated[
    str,
    Field(pattern=CLIENT_ORDER_ID, description="Yours; the same id again answers with the same order, never a second."),
]


Note = Annotated[str, Field(min_length=1, max_length=500, pattern=PRINTABLE)]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ContractBody(Body):
    """The contract meant. A conid alone is enough, and decides over the other words."""

    symbol: Symbol | None = None
    conid: Conid | None = None
    sec_type: Word | None = Field(default=None, description="Default STK")
    exchange: Word | None = Field(default=None, description="Default SMART")
    currency: Word | None = Field(default=None, description="Default USD")
    primary_exchange: Word | None = None
    local_symbol: Symbol | None = None

    def words(self) -> Words:
        return Words(
            symbol=self.symbol,
            conid=self.conid,
            sec_type=self.sec_type,
            exchange=self.exchange,
            currency=self.currency,
            primary_exchange=self.primary_exchange,
            local_symbol=self.local_symbol,
        )


class ExitBody(Body):
    """An order that waits until the one it belongs to has filled, and then closes what that has opened."""

    client_order_id: ClientOrderId | None = None
    tif: AnyTif | None = Field(default=None, description="Default: as the order, or DAY for an IOC order")

    def exit(self, entry: PlaceOrder, terms: Terms) -> PlaceOrder:
        """On the other side, over the same quantity."""
        tif = self.tif or (TimeInForce.DAY if entry.terms.tif is TimeInForce.IOC else entry.terms.tif)
        side = Side.SELL if entry.terms.side is Side.BUY else Side.BUY
        terms = replace(terms, side=side, qty=entry.terms.qty, tif=tif, outside_rth=entry.terms.outside_rth)
        return PlaceOrder(entry.contract, terms, entry.account, self.client_order_id)


class TakeProfitBody(ExitBody):
    limit: Positive

    def command(self, entry: PlaceOrder) -> PlaceOrder:
        return self.exit(entry, replace(entry.terms, type=OrderType.LIMIT, limit=self.limit, stop=None))


class StopLossBody(ExitBody):
    stop: Positive
    limit: Positive | None = Field(default=None, description="With it the stop becomes a STOP_LIMIT")

    def command(self, entry: PlaceOrder) -> PlaceOrder:
        kind = OrderType.STOP if self.limit is None else OrderType.STOP_LIMIT
        return self.exit(entry, replace(entry.terms, type=kind, limit=self.limit, stop=self.stop))


class OrderBody(ContractBody):
    """A new order. The contract is named flat (`symbol`, `conid` ...) or as `contract`, not both."""

    contract: ContractBody | None = None
    side: AnySide
    qty: Positive
    type: AnyType
    limit: Positive | None = Field(default=None, description="Needed for LIMIT and STOP_LIMIT")
    stop: Positive | None = Field(default=None, description="Needed for STOP and STOP_LIMIT")
    tif: AnyTif = TimeInForce.DAY
    outside_rth: StrictBool = Field(default=False, description="Also fill outside regular trading hours")
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
        return PlaceOrder(
            contract=self._named().query(),
            terms=Terms(
                side=self.side,
                qty=self.qty,
                type=self.type,
                limit=self.limit,
                stop=self.stop,
                tif=self.tif,
                outside_rth=self.outside_rth,
            ),
            account=self.account,
            client_order_id=self._id(idempotency_key),
        )

    def _named(self) -> Words:
        flat = self.words()
        if self.contract is None:
            return flat
        if flat != Words():
            raise InvalidRequest("Name the contract flat or as `contract`, not both.", field="contract")
        return self.contract.words()

    def _id(self, idempotency_key: str | None) -> str | None:
        if None not in (self.client_order_id, idempotency_key) and self.client_order_id != idempotency_key:
            raise InvalidRequest(
                "client_order_id and the header Idempotency-Key are the same thing and differ.", field="client_order_id"
            )
        return self.client_order_id or idempotency_key


class ChangeBody(Body):
    """New values for a working order; what is not named stays."""

    qty: Positive | None = Field(default=None, description="The new total, including what has filled")
    limit: Positive | None = None
    stop: Positive | None = None
    tif: AnyTif | None = None
    confirm: Annotated[tuple[Word, ...], Field(max_length=50)] = Field(
        default=(), description="IBKR's message ids, of a change that was answered with questions, that you confirm"
    )

    def command(self) -> ChangeOrder:
        """Raises InvalidRequest when nothing is to change."""
        if self == ChangeBody(confirm=self.confirm):
            raise InvalidRequest("Name at least one of qty, limit, stop and tif.", field="qty")
        return ChangeOrder(self.qty, self.limit, self.stop, self.tif, frozenset(self.confirm))


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
