"""Bodies of /api/ibkr: the words that trading bots use, ours among them."""

from __future__ import annotations

from decimal import Decimal
from math import gcd
from typing import Annotated

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from ibkr_bridge.api.contracts import OPTION, SMART, Words
from ibkr_bridge.api.numbers import Number, Positive
from ibkr_bridge.api.rest.orders.bodies import ClientOrderId
from ibkr_bridge.api.rest.orders.terms import AnySide, AnyTif, AnyType
from ibkr_bridge.api.text import Account, Conid, Symbol, Word, several
from ibkr_bridge.domain.contract import COMBO, ContractQuery, LegQuery
from ibkr_bridge.domain.errors import InvalidRequest
from ibkr_bridge.domain.order import PlaceOrder
from ibkr_bridge.domain.terms import OrderType, Side, Terms, TimeInForce


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

    def query(self) -> ContractQuery:
        """Raises InvalidRequest where nothing names the option."""
        if self.conid is None and self.local_symbol is None:
            raise InvalidRequest("Name the option: conid or local_symbol.", field="legs")
        return Words(conid=self.conid, local_symbol=self.local_symbol, sec_type=OPTION).query()


class OptionsBody(_Terms):
    """An order for options. Several legs are one combo."""

    symbol: Symbol | None = None
    limit: Number | None = Field(
        default=None,
        validation_alias=AliasChoices("limit", "limit_price", "limitPrice", "price"),
        description="Of a combo what its legs cost together: below 0 where it is paid for",
    )
    legs: Annotated[tuple[LegBody, ...], *several(1, 8)]

    def command(self) -> PlaceOrder:
        """Legs that are sent one by one may fill alone: several are one combo, and `limit` what they cost together."""
        if len(self.legs) > 1:
            return self._combo()
        [leg] = self.legs
        terms = Terms(leg.side, leg.qty, self.type, self.limit, self.stop, self.tif)
        return PlaceOrder(leg.query(), terms, self.account, self.client_order_id)

    def _combo(self) -> PlaceOrder:
        """Bought: each leg has its own side. As many combos as the quantities of the legs have in common."""
        if any(leg.qty % 1 for leg in self.legs):
            raise InvalidRequest("A combo takes whole contracts.", field="legs")
        many = gcd(*(int(leg.qty) for leg in self.legs))
        legs = tuple(LegQuery(leg.query(), leg.side, int(leg.qty) // many) for leg in self.legs)
        terms = Terms(Side.BUY, Decimal(many), self.type, self.limit, self.stop, self.tif)
        contract = ContractQuery(sec_type=COMBO, exchange=SMART, currency="", legs=legs)
        return PlaceOrder(contract, terms, self.account, self.client_order_id)
