"""Bodies of /api/ibkr: the words that trading bots use, ours among them."""

from __future__ import annotations

from typing import Annotated

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from ibkr_bridge.api.contracts import Words
from ibkr_bridge.api.numbers import Positive
from ibkr_bridge.api.rest.orders.bodies import AnySide, AnyTif, AnyType, ClientOrderId
from ibkr_bridge.api.text import Account, Conid, Symbol, Word
from ibkr_bridge.domain.errors import InvalidRequest, NotSupported
from ibkr_bridge.domain.order import OrderType, PlaceOrder, Terms, TimeInForce

OPTION = "OPT"


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Terms(_Body):
    type: AnyType = Field(
        default=OrderType.MARKET,
        validation_alias=AliasChoices("type", "order_type", "orderType"),
        description="Also `order_type`, `orderType`",
    )
    limit: Positive | None = Field(
        default=None,
        validation_alias=AliasChoices("limit", "limit_price", "limitPrice", "price"),
        description="Also `limit_price`, `limitPrice`, `price`",
    )
    stop: Positive | None = Field(
        default=None, validation_alias=AliasChoices("stop", "stop_price", "stopPrice"), description="Also `stopPrice`"
    )
    tif: AnyTif = TimeInForce.DAY
    account: Account | None = None
    client_order_id: ClientOrderId | None = Field(
        default=None, validation_alias=AliasChoices("client_order_id", "clientOrderId", "cOID")
    )


class StockBody(_Terms):
    """An order for a stock."""

    symbol: Symbol
    side: AnySide = Field(validation_alias=AliasChoices("side", "action"), description="Also `action`")
    qty: Positive = Field(validation_alias=AliasChoices("qty", "quantity", "shares"), description="Also `quantity`")
    exchange: Word | None = Field(default=None, description="Default SMART")
    currency: Word | None = Field(default=None, description="Default USD")

    def command(self) -> PlaceOrder:
        words = Words(symbol=self.symbol, exchange=self.exchange, currency=self.currency, sec_type="STK")
        terms = Terms(self.side, self.qty, self.type, self.limit, self.stop, self.tif)
        return PlaceOrder(words.query(), terms, self.account, self.client_order_id)


class LegBody(_Body):
    """One option, by IBKR's number or by its local symbol (`AAPL  260320C00150000`)."""

    conid: Conid | None = None
    local_symbol: Symbol | None = Field(default=None, validation_alias=AliasChoices("local_symbol", "localSymbol"))
    side: AnySide = Field(validation_alias=AliasChoices("side", "action"), description="Also `action`")
    qty: Positive = Field(validation_alias=AliasChoices("qty", "quantity", "contracts"), description="Also `quantity`")


class OptionsBody(_Terms):
    """An order for options. Several legs are one combo."""

    symbol: Symbol | None = None
    legs: Annotated[tuple[LegBody, ...], Field(min_length=1, max_length=8)]

    def command(self) -> PlaceOrder:
        """Raises NotSupported for more than one leg: legs that are sent one by one may fill alone."""
        if len(self.legs) > 1:
            raise NotSupported(
                "This door takes no combos yet, and legs one by one could fill alone.",
                advice="Place each leg as an order of its own if you accept that.",
            )
        [leg] = self.legs
        if leg.conid is None and leg.local_symbol is None:
            raise InvalidRequest("Name the option: conid or local_symbol.", field="legs")
        words = Words(conid=leg.conid, local_symbol=leg.local_symbol, sec_type=OPTION)
        terms = Terms(leg.side, leg.qty, self.type, self.limit, self.stop, self.tif)
        return PlaceOrder(words.query(), terms, self.account, self.client_order_id)
