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


def option_parameters(fields: FieldReader) -> OptionParameters:
    request_id, symbol, exchange, sec_type = fields.integer(), fields.text(), fields.text(), fields.text()
    return OptionParameters(request_id, symbol, exchange, sec_type, fields.integer())


def calculation(fields: FieldReader) -> Calculation:
    """Options of the request follow, with or without their count; none is known."""
    fields.skip(1)
    return Calculation(fields.integer(), contract_query(fields), fields.number(), fields.number())
