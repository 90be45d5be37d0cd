"""Orders as clients send them, field by field, and the requests about orders and executions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

from ibkr_sim.tws.fields import FieldReader, Unreadable, decimal_text, number
from ibkr_sim.tws.layout import layout
from ibkr_sim.tws.requests.contracts import ContractQuery, contract_query
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
_TRAILING = layout("""
    continuousUpdate referencePriceType trailStopPrice trailingPercent scaleInitLevelSize scaleSubsLevelSize
    scalePriceIncrement
""")
_CLEARING = layout("optOutSmartRouting clearingAccount clearingIntent notHeld")
_OPTIONS = layout("algoId whatIf orderMiscOptions solicited randomizeSize randomizePrice")
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
    discretionaryUpToLimitPrice usePriceMgmtAlgo duration postToAts autoCancelParent
""")
_NUMBERS = _names("""
    totalQuantity lmtPrice auxPrice discretionaryAmt percentOffset nbboPriceCap startingPrice stockRefPrice delta
    stockRangeLower stockRangeUpper volatility deltaNeutralAuxPrice trailStopPrice trailingPercent scalePriceIncrement
    triggerPrice lmtPriceOffset adjustedStopPrice adjustedStopLimitPrice adjustedTrailingAmount cashQty
""")
_FLAG_WORDS = {"true": "1", "false": "0"}
_LONGEST_TEXT = 1024
_INTEGER_RANGE = 1 << 31

_COMBO_LEG_FIELDS = 8
_DELTA_NEUTRAL_FIELDS = 8
_SCALE_FIELDS = 7
_PEG_BENCHMARK_FIELDS = 5
_CONDITION_FIELDS = {"1": 5, "3": 2, "4": 2, "5": 3, "6": 4, "7": 4}
"""Fields after type and conjunction: price, time, margin, execution, volume, percent change."""
_INFINITE = frozenset({"Infinity", "Infinite"})


@dataclass(frozen=True, slots=True)
class PlaceOrder:
    """One order. `fields` holds every single-valued field under IBKR's name, as written.

    `features` names the parts present that are lists or blocks of their own: combo, conditions, algo ...
    """

    order_id: int
    contract: ContractQuery
    fields: Mapping[str, str]
    features: frozenset[str]

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
    order_id, contract = fields.integer(), contract_query(fields)
    values = fields.named(_HEAD)
    features: set[str] = set()
    if contract.sec_type == "BAG":
        features.add("combo")
        _skip_combo(fields)
    values |= fields.named(_ROUTING)
    if values["deltaNeutralOrderType"]:
        features.add("delta neutral order")
        fields.skip(_DELTA_NEUTRAL_FIELDS)
    values |= fields.named(_TRAILING)
    _skip_scale(fields, values, features)
    _skip_hedge(fields, features)
    values |= fields.named(_CLEARING)
    _skip_algorithm(fields, features)
    values |= fields.named(_OPTIONS)
    if values["orderType"] in {"PEG BENCH", "PEGBENCH"}:
        fields.skip(_PEG_BENCHMARK_FIELDS)
    _skip_conditions(fields, features)
    values |= fields.named(_ADJUSTMENTS)
    _skip_pegs(fields, contract, values["orderType"])
    checked = {name: _checked(name, value) for name, value in values.items()}
    return PlaceOrder(order_id, contract, MappingProxyType(checked), frozenset(features))


def _checked(name: str, value: str) -> str:
    """A value fit to be shown to other clients: a number where they will read a number."""
    if name in _INTEGERS:
        return _integer(value)
    if name in _NUMBERS:
        amount = number(value)
        return "" if amount is None else decimal_text(amount)
    if len(value) > _LONGEST_TEXT:
        raise Unreadable(f"{name} is too long")
    return value


def _integer(value: str) -> str:
    amount = number(_FLAG_WORDS.get(value.lower(), value))
    if amount is None:
        return ""
    if amount != int(amount) or abs(amount) >= _INTEGER_RANGE:
        raise Unreadable(f'For input string: "{value[:40]}"')
    return str(int(amount))


def _skip_combo(fields: FieldReader) -> None:
    fields.skip(_COMBO_LEG_FIELDS * fields.count())
    fields.skip(fields.count())
    fields.skip(2 * fields.count())


def _skip_scale(fields: FieldReader, values: Mapping[str, str], features: set[str]) -> None:
    if (number(values["scalePriceIncrement"]) or 0) > 0:
        features.add("scale order")
        fields.skip(_SCALE_FIELDS)
    fields.skip(3)  # scaleTable, activeStartTime, activeStopTime


def _skip_hedge(fields: FieldReader, features: set[str]) -> None:
    if fields.text():
        features.add("hedge order")
        fields.skip(1)


def _skip_algorithm(fields: FieldReader, features: set[str]) -> None:
    if fields.flag():
        features.add("delta neutral contract")
        fields.skip(3)
    if fields.text():
        features.add("algorithm")
        fields.skip(2 * fields.count())


def _skip_conditions(fields: FieldReader, features: set[str]) -> None:
    amount = fields.count()
    for _ in range(amount):
        kind = fields.text()
        if kind not in _CONDITION_FIELDS:
            raise Unreadable(f"condition type {kind[:40]}")
        fields.skip(1 + _CONDITION_FIELDS[kind])
    if amount:
        features.add("conditions")
        fields.skip(2)


def _skip_pegs(fields: FieldReader, contract: ContractQuery, order_type: str) -> None:
    if fields.version < PEG_BEST_AND_MID:
        return
    if contract.exchange == "IBKRATS":
        fields.skip(1)
    if order_type == "PEG BEST":
        fields.skip(1)
        fields.skip(2 if fields.text() in _INFINITE else 0)
    elif order_type == "PEG MID":
        fields.skip(2)


def cancel_order(fields: FieldReader) -> CancelOrder:
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
