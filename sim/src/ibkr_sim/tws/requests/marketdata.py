"""Requests for quotes."""

from __future__ import annotations

from dataclasses import dataclass

from ibkr_sim.tws.fields import FieldReader
from ibkr_sim.tws.requests.contracts import ContractQuery, contract_query

LEG_FIELDS = 4


@dataclass(frozen=True, slots=True)
class MarketDataRequest:
    request_id: int
    contract: ContractQuery
    snapshot: bool


@dataclass(frozen=True, slots=True)
class MarketDataType:
    """1 live, 2 frozen, 3 delayed, 4 delayed and frozen."""

    kind: int


def market_data(fields: FieldReader) -> MarketDataRequest:
    fields.skip(1)
    request_id, contract = fields.integer(), contract_query(fields)
    if contract.sec_type == "BAG":
        fields.skip(LEG_FIELDS * fields.count())
    if fields.flag():
        fields.skip(3)
    fields.skip(1)
    return MarketDataRequest(request_id, contract, fields.flag())


def market_data_type(fields: FieldReader) -> MarketDataType:
    fields.skip(1)
    return MarketDataType(fields.integer())
