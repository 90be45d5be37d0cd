"""Orders as clients send them, field by field, and the requests about orders and executions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

from ibkr_sim.tws.fields import FieldReader, number
from ibkr_sim.tws.layout import layout
from ibkr_sim.tws.requests import order_blocks as blocks
from ibkr_sim.tws.requests.contracts import ContractQuery, contract_query
from ibkr_sim.tws.requests.order_blocks import Block, integer_text, number_text, short_text
from ibkr_sim.tws.versions import MANUAL_ORDER_TIME, PEG_BEST_AND_MID

_HEAD = layout("""
    secIdType secId action totalQuantity orderType lmtPrice auxPrice tif ocaGroup account openClose origin orderRef
    transmit parentId blockOrder sweepToFill displaySize triggerMethod outsideRth hidden
""")
_ROUTING = layout("""
    sharesAllocation discretionaryAmt goodAfterTime goodTillDate faGroup faMethod faPercentage faProfile<177 modelCode
    shortSaleSlot designatedLocation exemptCode ocaType rule80A settlingFirm allOrNone minQty percentOffset eTradeOnly
    firmQuoteOnly nbboPriceCap auctionStrategy startingPrice stockRefPrice delta stockRangeLower stockRangeUpper
    overridePercentageConstraints volatility volatilityType deltaNeutralOrderType deltaNeutralAuxPrice
""")
_DELTA_NEUTRAL = layout("""
    deltaNeutralConId deltaNeutralSettlingFirm deltaNeutralClearingAccount deltaNeutralClearingIntent
    deltaNeutralOpenClose deltaNeutralShortSale deltaNeutralShortSaleSlot deltaNeutralDesignatedLocation
""")
_TRAILING = layout("""
    continuousUpdate referencePriceType trailStopPrice trailingPercent scaleInitLevelSize scaleSubsLevelSize
    scalePriceIncrement
""")
_CLEARING = layout("optOutSmartRouting clearingAccount clearingIntent notHeld")
_OPTIONS = layout("algoId whatIf orderMiscOptions solicited randomizeSize randomizePrice")
_CUSTOMER = layout("customerAccount>=183 professionalCustomer>=184")
_QUOTE_REQUESTS = range(187, 190)
"""Versions that had two more fields, of which clients set none."""
_TAIL = layout("includeOvernight>=189 manualOrderIndicator>=192 imbalanceOnly>=199")
_ADJUSTMENTS = layout("""
    adjustedOrderType triggerPrice lmtPriceOffset adjustedStopPrice adjustedStopLimitPrice adjustedTrailingAmount
    adjustableTrailingUnit extOperator softDollarTierName softDollarTierValue cashQty mifid2DecisionMaker
    mifid2DecisionAlgo mifid2ExecutionTrader mifid2ExecutionAlgo dontUseAutoPriceForHedge isOmsContainer
    discretionaryUpToLimitPrice usePriceMgmtAlgo duration>=158 postToAts>=160 autoCancelParent>=162
    advancedErrorOverride>=166 manualOrderTime>=169
""")


def _names(text: str) -> frozenset[str]:
    return frozenset(field.name for field in layout(text))


_INTEGERS = _names("""
    origin transmit parentId blockOrder sweepToFill displaySize triggerMethod outsideRth hidden shortSaleSlot exemptCode
    ocaType allOrNone minQty eTradeOnly firmQuoteOnly auctionStrategy overridePercentageConstraints volatilityType
    continuousUpdate referencePriceType scaleInitLevelSize scaleSubsLevelSize optOutSmartRouting notHeld whatIf
    solicited randomizeSize randomizePrice adjustableTrailingUnit dontUseAutoPriceForHedge isOmsContainer
    discretionaryUpToLimitPrice usePriceMgmtAlgo duration postToAts autoCancelParent deltaNeutralConId
    deltaNeutralShortSale deltaNeutralShortSaleSlot professionalCustomer includeOvernight manualOrderIndicator
    imbalanceOnly
""")
_NUMBERS = _names("""
    totalQuantity lmtPrice auxPrice discretionaryAmt percentOffset nbboPriceCap startingPrice stockRefPrice delta
    stockRangeLower stockRangeUpper volatility deltaNeutralAuxPrice trailStopPrice trailingPercent scalePriceIncrement
    triggerPrice lmtPriceOffset adjustedStopPrice adjustedStopLimitPrice adjustedTrailingAmount cashQty
""")
_BARE_CANCEL = 192
"""From here on a cancel has no version of its own."""


@dataclass(frozen=True, slots=True)
class PlaceOrder:
    """One order. `fields` holds every single-valued field under IBKR's name, as written; `blocks` what is more."""

    order_id: int
    contract: ContractQuery
    fields: Mapping[str, str]
    blocks: Mapping[str, Block]

    @property
    def features(self) -> frozenset[str]:
        """The names of the parts present that are lists or blocks of their own."""
        return frozenset(self.blocks)

    def flag(self, name: str) -> bool:
        return self.fields.get(name) == "1"

    def amount(self, name: str) -> Decimal | None:
        return number(self.fields.get(name, ""))


@dataclass(frozen=True, slots=True)
class CancelOrder:
    order_id: int


@dataclass(frozen=True, slots=True)
class ExecutionsRequest:
    """A filter; an empty criterion admits everything. `time` is `yyyymmdd-hh:mm:ss`, or with a blank."""

    request_id: int
    client_id: int
    account: str
    time: str
    symbol: str
    sec_type: str
    exchange: str
    side: str


def place_order(fields: FieldReader) -> PlaceOrder:
    """Raises Unreadable."""
    order_id, contract = fields.integer(), contract_query(fields)
    values, parts = fields.named(_HEAD), dict[str, Block]()
    order_type = values["orderType"]
    if contract.sec_type == "BAG":
        parts |= blocks.combination(fields)
    values |= fields.named(_ROUTING)
    if values["deltaNeutralOrderType"]:
        values |= fields.named(_DELTA_NEUTRAL)
    values |= fields.named(_TRAILING)
    parts |= blocks.scale(fields, values["scalePriceIncrement"])
    parts |= blocks.hedge(fields)
    values |= fields.named(_CLEARING)
    parts |= blocks.delta_neutral_contract(fields) | blocks.algorithm(fields)
    values |= fields.named(_OPTIONS)
    parts |= blocks.peg_benchmark(fields, order_type) | blocks.conditions(fields)
    values |= fields.named(_ADJUSTMENTS)
    if fields.version >= PEG_BEST_AND_MID:
        values |= blocks.pegs(fields, contract.exchange, order_type)
    values |= fields.named(_CUSTOMER)
    if fields.version in _QUOTE_REQUESTS:
        fields.skip(2)
    values |= fields.named(_TAIL)
    checked = {name: _checked(name, value) for name, value in values.items()}
    present = {name: block for name, block in parts.items() if block}
    return PlaceOrder(order_id, contract, MappingProxyType(checked), MappingProxyType(present))


def _checked(name: str, value: str) -> str:
    """A value fit to be shown to other clients: a number where they will read a number."""
    if name in _INTEGERS:
        return integer_text(value)
    return number_text(value) if name in _NUMBERS else short_text(value)


def cancel_order(fields: FieldReader) -> CancelOrder:
    """What follows the id is for the record of whoever entered the order by hand."""
    if fields.version < _BARE_CANCEL:
        fields.skip(1)
    request = CancelOrder(fields.integer())
    if fields.version >= MANUAL_ORDER_TIME:
        fields.skip(1)
    return request


def executions(fields: FieldReader) -> ExecutionsRequest:
    fields.skip(1)
    request_id, client_id = fields.integer(), fields.integer()
    account, time, symbol, sec_type, exchange, side = (fields.text() for _ in range(6))
    return ExecutionsRequest(request_id, client_id, account, time, symbol, sec_type, exchange, side)
