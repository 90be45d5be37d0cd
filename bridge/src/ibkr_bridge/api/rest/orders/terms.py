"""What an order may ask of the market beside its prices: groups, conditions, algorithms, stops that change, legs."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, WithJsonSchema

from ibkr_bridge.api.contracts import Words
from ibkr_bridge.api.numbers import Number, Positive
from ibkr_bridge.api.text import NAME, PRINTABLE, Conid, Symbol, Word, several
from ibkr_bridge.domain.contract import LegQuery
from ibkr_bridge.domain.errors import InvalidRequest
from ibkr_bridge.domain.terms import (
    Adjustment,
    Algo,
    Condition,
    Conditions,
    ConditionType,
    Oca,
    OcaType,
    OrderType,
    Side,
    TimeInForce,
)

_TYPES = {
    "LMT": "LIMIT",
    "MKT": "MARKET",
    "STP": "STOP",
    "STP LMT": "STOP_LIMIT",
    "STP_LMT": "STOP_LIMIT",
    "TRAIL LIMIT": "TRAIL_LIMIT",
    "TRAILLMT": "TRAIL_LIMIT",
    "MIT": "MARKET_IF_TOUCHED",
    "LIT": "LIMIT_IF_TOUCHED",
    "MOC": "MARKET_ON_CLOSE",
    "LOC": "LIMIT_ON_CLOSE",
    "REL": "RELATIVE",
    "PEG MID": "PEG_MID",
}
_MOST_CONDITIONS = 20
_MOST_LEGS = 8
_MOST_PARAMS = 50


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


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
AlgoName = Annotated[str, Field(min_length=1, max_length=32, pattern=NAME)]
AlgoValue = Annotated[str, Field(max_length=64, pattern=PRINTABLE)]


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


class LegBody(ContractBody):
    """A part of a combo."""

    side: AnySide = Field(description="What is done with this leg when the combo is bought")
    ratio: int = Field(default=1, ge=1, le=1000, strict=True, description="How many of it for one combo")

    def query(self) -> LegQuery:
        return LegQuery(self.words().query(), self.side, self.ratio)


Legs = Annotated[tuple[LegBody, ...], *several(2, _MOST_LEGS)]


class OcaBody(Body):
    """One cancels all: orders that name the same group."""

    group: Symbol
    type: Annotated[OcaType, BeforeValidator(lower)] = Field(
        default=OcaType.CANCEL, description="What becomes of the others when one fills"
    )

    def oca(self) -> Oca:
        return Oca(self.group, self.type)


class AlgoBody(Body):
    """One of IBKR's own programs, by its name and parameters as IBKR spells them."""

    strategy: AlgoName
    params: Annotated[dict[AlgoName, AlgoValue], Field(max_length=_MOST_PARAMS)] = Field(default_factory=dict)

    def algo(self) -> Algo:
        return Algo(self.strategy, tuple(self.params.items()))


class AdjustBody(Body):
    """What a STOP order becomes once the market has reached `trigger`."""

    trigger: Positive
    type: AnyType
    stop: Positive
    limit: Positive | None = None
    trail: Positive | None = None
    trail_percent: Positive | None = None

    def adjustment(self) -> Adjustment:
        return Adjustment(self.trigger, self.type, self.stop, self.limit, self.trail, self.trail_percent)


class ConditionBody(Body):
    """Something that must come true before the order awakes.

    price, volume and percent_change look at a contract (symbol or conid), execution waits for any trade of a symbol.
    """

    type: Annotated[ConditionType, BeforeValidator(lower)]
    above: Number | None = Field(default=None, description="A price, shares, percent: true at or above it")
    below: Number | None = Field(default=None, description="True at or below it")
    after: AwareDatetime | None = Field(default=None, description="For `time`")
    before: AwareDatetime | None = Field(default=None, description="For `time`")
    conid: Conid | None = None
    symbol: Symbol | None = None
    sec_type: Word = "STK"
    exchange: Word = "SMART"
    either: StrictBool = Field(default=False, description='Joined to the next condition by "or" in place of "and"')

    def condition(self) -> Condition:
        """Raises InvalidRequest where two words contradict each other."""
        if self.above is not None and self.below is not None:
            raise InvalidRequest("A condition says `above` or `below`, not both.", field="conditions")
        if self.after is not None and self.before is not None:
            raise InvalidRequest("A condition says `after` or `before`, not both.", field="conditions")
        return Condition(
            type=self.type,
            above=self.below is None and self.before is None,
            value=self.above if self.below is None else self.below,
            at=self.after or self.before,
            conid=self.conid or 0,
            symbol=(self.symbol or "").upper() if self.type is ConditionType.EXECUTION else self.symbol or "",
            sec_type=self.sec_type.upper(),
            exchange=self.exchange.upper(),
            either=self.either,
        )


Items = Annotated[tuple[ConditionBody, ...], *several(1, _MOST_CONDITIONS)]


class ConditionsBody(Body):
    items: Items
    outside_rth: StrictBool = Field(default=False, description="May also come true outside regular trading hours")
    cancels: StrictBool = Field(
        default=False, description="The order works at once, and is cancelled when they come true"
    )

    def conditions(self) -> Conditions:
        return Conditions(tuple(item.condition() for item in self.items), self.outside_rth, self.cancels)
