"""Requests for quotes, for their levels, and for every tick."""

from __future__ import annotations

from dataclasses import dataclass

from ibkr_sim.exchange.model import COMBO
from ibkr_sim.exchange.terms import ComboLeg
from ibkr_sim.tws.fields import FieldReader
from ibkr_sim.tws.requests.contracts import ContractQuery, contract_query


@dataclass(frozen=True, slots=True)
class MarketDataRequest:
    """`generic_ticks` as the client wrote them, `100`, `mdoff`, `292:BRFG`; `legs` of a combination."""

    request_id: int
    contract: ContractQuery
    generic_ticks: tuple[str, ...]
    snapshot: bool
    regulatory: bool
    legs: tuple[ComboLeg, ...] = ()


@dataclass(frozen=True, slots=True)
class MarketDataType:
    """1 live, 2 frozen, 3 delayed, 4 delayed and frozen."""

    kind: int


@dataclass(frozen=True, slots=True)
class MarketDepthRequest:
    request_id: int
    contract: ContractQuery
    rows: int
    smart: bool


@dataclass(frozen=True, slots=True)
class TickByTickRequest:
    """`most` ticks of the past come first."""

    request_id: int
    contract: ContractQuery
    kind: str
    most: int
    ignore_size: bool


def combo_legs(fields: FieldReader, contract: ContractQuery) -> tuple[ComboLeg, ...]:
    """Which a combination alone brings along."""
    return tuple(_leg(fields) for _ in range(fields.count())) if contract.sec_type == COMBO else ()


def _leg(fields: FieldReader) -> ComboLeg:
    conid, ratio, action, exchange = fields.integer(), fields.integer(), fields.text(), fields.text()
    return ComboLeg(conid, ratio, action.upper(), exchange or "SMART")


def market_data(fields: FieldReader) -> MarketDataRequest:
    fields.skip(1)
    request_id, contract = fields.integer(), contract_query(fields)
    legs = combo_legs(fields, contract)
    if fields.flag():
        fields.skip(3)
    generic = tuple(name.strip() for name in fields.text().split(",") if name.strip())
    snapshot, regulatory = fields.flag(), bool(fields.remaining) and fields.flag()
    return MarketDataRequest(request_id, contract, generic, snapshot, regulatory, legs)


def market_data_type(fields: FieldReader) -> MarketDataType:
    fields.skip(1)
    return MarketDataType(fields.integer())


def market_depth(fields: FieldReader) -> MarketDepthRequest:
    fields.skip(1)
    return MarketDepthRequest(fields.integer(), contract_query(fields), fields.integer(), fields.flag())


def tick_by_tick(fields: FieldReader) -> TickByTickRequest:
    return TickByTickRequest(fields.integer(), contract_query(fields), fields.text(), fields.integer(), fields.flag())
