"""Requests for reports on a company."""

from __future__ import annotations

from dataclasses import dataclass

from ibkr_sim.tws.fields import FieldReader
from ibkr_sim.tws.requests.contracts import ContractQuery


@dataclass(frozen=True, slots=True)
class FundamentalData:
    """`report` is `ReportSnapshot`, `RESC` ..."""

    request_id: int
    contract: ContractQuery
    report: str


def fundamental_data(fields: FieldReader) -> FundamentalData:
    """A contract in seven fields. Options of the request follow, with or without their count; none is known."""
    fields.skip(1)
    request_id, conid = fields.integer(), fields.integer()
    symbol, sec_type, exchange, primary_exchange = (fields.text() for _ in range(4))
    currency, local_symbol = fields.text(), fields.text()
    query = ContractQuery(
        conid, symbol, sec_type, "", "", "", exchange, primary_exchange, currency, local_symbol, "", None
    )
    return FundamentalData(request_id, query, fields.text())
