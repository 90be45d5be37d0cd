"""The directory of securities, /trsrv, which needs no brokerage session."""

from __future__ import annotations

from typing import Any

from ibkr_sim.exchange.listing.calendars import before
from ibkr_sim.exchange.listing.contracts import Wanted
from ibkr_sim.exchange.listing.hours import hours_of
from ibkr_sim.webapi.answers import refusal
from ibkr_sim.webapi.call import Call, Route
from ibkr_sim.webapi.shapes import contracts as shapes

MOST_CONIDS = 200


def routes() -> list[Route]:
    return [
        Route("GET POST", "/trsrv/secdef", definitions),
        Route("GET", "/trsrv/stocks", stocks),
        Route("GET", "/trsrv/futures", futures),
        Route("GET", "/trsrv/all-conids", all_conids),
    ]


def definitions(call: Call) -> Any:
    posted = call.member("conids")
    conids = [str(conid) for conid in posted] if isinstance(posted, list) else call.query.get("conids", "").split(",")
    if not any(conids) or len(conids) > MOST_CONIDS:
        raise refusal(400, "Bad Request: conids must be 1 to 200")
    contracts = [contract for conid in conids if (contract := call.contract(conid)) is not None]
    now = call.market.now()
    rows = (shapes.definition(row, now, has_options=bool(call.market.chains(row))) for row in contracts)
    return {"secdef": list(rows)}


def stocks(call: Call) -> Any:
    return {
        symbol: shapes.listings(call.market.find_contracts(symbol=symbol, sec_type="STK")) for symbol in _symbols(call)
    }


def futures(call: Call) -> Any:
    """Those of a symbol that have not ended."""
    return {
        symbol: [
            shapes.future(row, before(row.expiry, hours_of(row).calendar) if row.cash_settled else row.expiry)
            for row in call.market.search(Wanted(symbol=symbol, sec_type="FUT"))
            if row.expiry is not None
        ]
        for symbol in _symbols(call)
    }


def all_conids(call: Call) -> Any:
    exchange = call.query.get("exchange", "")
    if not exchange:
        raise refusal(400, "Bad Request: exchange is missing")
    contracts = call.market.find_contracts(sec_type="STK", exchange=exchange)
    return [{"ticker": row.symbol, "conid": row.conid, "exchange": exchange} for row in contracts]


def _symbols(call: Call) -> list[str]:
    symbols = [symbol.strip().upper() for symbol in call.query.get("symbols", "").split(",") if symbol.strip()]
    if not symbols:
        raise refusal(400, "Bad Request: symbols are missing")
    return symbols
