"""Contract descriptions as clients send them, and the requests about contracts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from ibkr_sim.tws.fields import FieldReader
from ibkr_sim.tws.versions import ISSUER_ID


@dataclass(frozen=True, slots=True)
class ContractQuery:
    """The twelve fields by which a client describes a contract; what is not given is empty or 0.

    Some requests have more: another number of the security, as `ISIN` and `US0378331005`, and whether expired futures
    are meant as well.
    """

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
    sec_id_type: str = ""
    sec_id: str = ""
    include_expired: bool = False


@dataclass(frozen=True, slots=True)
class ContractDetailsRequest:
    request_id: int
    contract: ContractQuery


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


def expirable_query(fields: FieldReader) -> ContractQuery:
    """The twelve fields, and behind them whether expired futures are meant as well."""
    return replace(contract_query(fields), include_expired=fields.flag())


def contract_details(fields: FieldReader) -> ContractDetailsRequest:
    fields.skip(1)
    request_id, contract = fields.integer(), expirable_query(fields)
    sec_id_type, sec_id = fields.text(), fields.text()
    if fields.version >= ISSUER_ID:
        fields.skip(1)
    return ContractDetailsRequest(request_id, replace(contract, sec_id_type=sec_id_type, sec_id=sec_id))


def matching_symbols(fields: FieldReader) -> MatchingSymbolsRequest:
    return MatchingSymbolsRequest(fields.integer(), fields.text())


def market_rule(fields: FieldReader) -> MarketRuleRequest:
    return MarketRuleRequest(fields.integer())
