"""Requests about options: what is listed, and what one is worth."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from ibkr_sim.tws.fields import FieldReader
from ibkr_sim.tws.requests.contracts import ContractQuery, contract_query


@dataclass(frozen=True, slots=True)
class OptionParameters:
    request_id: int
    symbol: str
    exchange: str
    sec_type: str
    conid: int


@dataclass(frozen=True, slots=True)
class Calculation:
    """`given` is the option's price where a volatility is asked for, and the volatility where a price is."""

    request_id: int
    contract: ContractQuery
    given: Decimal | None
    underlying: Decimal | None


@dataclass(frozen=True, slots=True)
class Exercise:
    """`action` is 1 for an exercise, 2 for letting it lapse."""

    request_id: int
    contract: ContractQuery
    action: int
    quantity: int
    account: str
    override: bool


def exercise(fields: FieldReader) -> Exercise:
    """A contract without its primary exchange; what later versions add is left unread."""
    fields.skip(1)
    request_id, conid = fields.integer(), fields.integer()
    symbol, sec_type, expiry, strike = fields.text(), fields.text(), fields.text(), fields.number()
    right, multiplier, exchange, currency = (fields.text() for _ in range(4))
    local_symbol, trading_class = fields.text(), fields.text()
    query = ContractQuery(
        conid,
        symbol,
        sec_type,
        expiry,
        right,
        multiplier,
        exchange,
        "",
        currency,
        local_symbol,
        trading_class,
        strike,
    )
    return Exercise(request_id, query, fields.integer(), fields.integer(), fields.text(), fields.flag())


def option_parameters(fields: FieldReader) -> OptionParameters:
    request_id, symbol, exchange, sec_type = fields.integer(), fields.text(), fields.text(), fields.text()
    return OptionParameters(request_id, symbol, exchange, sec_type, fields.integer())


def calculation(fields: FieldReader) -> Calculation:
    """Options of the request follow, with or without their count; none is known."""
    fields.skip(1)
    return Calculation(fields.integer(), contract_query(fields), fields.number(), fields.number())
