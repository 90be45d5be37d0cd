"""Contract descriptions as clients send them, and the requests about contracts."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from ibkr_sim.tws.fields import FieldReader
from ibkr_sim.tws.versions import ISSUER_ID

LEG_FIELDS: Final = 4
"""Of a combination's leg in a request for data: conid, ratio, action, exchange."""


@dataclass(frozen=True, slots=True)
class ContractQuery:
    """The twelve fields by which a client describes a contract; what is not given is empty or 0."""

    conid: int
    symbol: str
    sec_type: str
    expiry: str
    right: str
    multiplier: str
    exchange: str
    primary_exchange: str
    currency: str
    local_symbol: str
    trading_class: str
    strike: Decimal | None = None


@dataclass(frozen=True, slots=True)
class ContractDetailsRequest:
    request_id: int
    contract: ContractQuery
    sec_id_type: str
    sec_id: str


@dataclass(frozen=True, slots=True)
class MatchingSymbolsRequest:
    request_id: int
    pattern: str


@dataclass(frozen=True, slots=True)
class MarketRuleRequest:
    rule_id: int


def contract_query(fields: FieldReader) -> ContractQuery:
    conid, symbol, sec_type, expiry = fields.integer(), fields.text(), fields.text(), fields.text()
    strike = fields.number()
    right, multiplier, exchange, primary_exchange = (fields.text() for _ in range(4))
    currency, local_symbol, trading_class = (fields.text() for _ in range(3))
    return ContractQuery(
        conid,
        symbol,
        sec_type,
        expiry,
        right,
        multiplier,
        exchange,
        primary_exchange,
        currency,
        local_symbol,
        trading_class,
        strike,
    )


def contract_details(fields: FieldReader) -> ContractDetailsRequest:
    fields.skip(1)
    request_id, contract = fields.integer(), contract_query(fields)
    fields.skip(1)
    request = ContractDetailsRequest(request_id, contract, fields.text(), fields.text())
    if fields.version >= ISSUER_ID:
        fields.skip(1)
    return request


def matching_symbols(fields: FieldReader) -> MatchingSymbolsRequest:
    return MatchingSymbolsRequest(fields.integer(), fields.text())


def market_rule(fields: FieldReader) -> MarketRuleRequest:
    return MarketRuleRequest(fields.integer())
