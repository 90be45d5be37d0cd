"""GET /market/quote/{symbol}, /market/status."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from ibkr_bridge.api.json import JsonAnswer
from ibkr_bridge.api.openapi import answers
from ibkr_bridge.api.rest.market.schemas import (
    MARKET_STATUS,
    QUOTE,
    MarketStatusAnswer,
    QuoteAnswer,
    quote_answer,
)
from ibkr_bridge.api.rest.market.words import Meant
from ibkr_bridge.api.routing import ExactRoute
from ibkr_bridge.api.state import TheEngine
from ibkr_bridge.api.text import PRINTABLE

router = APIRouter(prefix="/market", tags=["market"], route_class=ExactRoute, default_response_class=JsonAnswer)


@router.get(
    "/quote/{symbol}",
    summary="A quote",
    response_model=QuoteAnswer,
    responses=answers(QUOTE, 404, 409, 422, 503, 504, says="The last known prices and their age."),
)
async def quote(engine: TheEngine, meant: Meant) -> Response:
    """The first call opens a line to IBKR, which stays open for a while; later calls are answered from memory."""
    contract, seen = await engine.marketdata.quote(meant)
    return JsonAnswer(quote_answer(contract, seen.value, seen.as_of, seen.stale))


@router.get(
    "/status",
    summary="Is an exchange open?",
    response_model=MarketStatusAnswer,
    responses=answers(MARKET_STATUS, 404, 422, says="Open or closed, and when that changes."),
)
async def status(
    engine: TheEngine,
    ex: Annotated[
        str,
        Query(
            min_length=1,
            max_length=16,
            pattern=PRINTABLE,
            description="IBKR's name or an ISO 10383 code.",
            examples=["NYSE", "SIX"],
        ),
    ],
) -> Response:
    """Regular trading hours with holidays and early closes. Single contracts can have other hours."""
    now = engine.health.view().at
    hours = await engine.calendar.hours(ex, now)
    return JsonAnswer(
        MarketStatusAnswer(
            exchange=hours.exchange,
            calendar=hours.calendar,
            time_zone=hours.time_zone,
            status="open" if hours.open else "closed",
            open=hours.open,
            session_open=hours.session_open,
            session_close=hours.session_close,
            next_open=hours.next_open,
            next_close=hours.next_close,
            as_of=hours.at,
        )
    )
