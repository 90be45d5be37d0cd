"""GET /market/history/{symbol}: bars of the past, in the format that the caller accepts."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request, Response

from ibkr_bridge.api.columns.formats import FORMATS, writer
from ibkr_bridge.api.errors import answer
from ibkr_bridge.api.json import JsonAnswer
from ibkr_bridge.api.openapi import answers
from ibkr_bridge.api.rest.market.history_answer import HistoryAnswer
from ibkr_bridge.api.rest.market.history_schemas import HISTORY, BarsAnswer
from ibkr_bridge.api.rest.market.history_words import kind, moment
from ibkr_bridge.api.rest.market.words import Named
from ibkr_bridge.api.routing import ExactRoute
from ibkr_bridge.api.state import TheEngine
from ibkr_bridge.domain.bars import BAR_GRAMMAR, DURATION_GRAMMAR, bar_size
from ibkr_bridge.domain.bars import duration as read_duration
from ibkr_bridge.domain.errors import InvalidRequest
from ibkr_bridge.engine.history.history import Download
from ibkr_bridge.engine.history.wish import Wish

router = APIRouter(prefix="/market", tags=["market"], route_class=ExactRoute, default_response_class=JsonAnswer)

MOST_AT_ONCE = 500
"""Pieces whose bars may be held back for an answer that leaves as a whole."""
Length = Annotated[
    str | None, Query(max_length=24, description=f"Default 1D, unless `start` is given: {DURATION_GRAMMAR}.")
]
Bar = Annotated[str, Query(max_length=24, description=f"{BAR_GRAMMAR[0].upper()}{BAR_GRAMMAR[1:]}.")]
Start = Annotated[
    str | None, Query(max_length=60, description="Instead of `duration`: bars that begin then or later, RFC 3339.")
]
End = Annotated[str | None, Query(max_length=60, description="Bars that begin before then; default the present.")]
What = Annotated[
    str | None,
    Query(max_length=40, description="TRADES, MIDPOINT, BID, ASK, BID_ASK ... Default TRADES; CASH: MIDPOINT."),
]
Rth = Annotated[bool, Query(description="Regular trading hours alone.")]
Accept = Annotated[str, Header(include_in_schema=False)]
"""The description names the formats as those of the answer."""


async def _wish(
    named: Named,
    bar: Bar = "1m",
    duration: Length = None,
    start: Start = None,
    end: End = None,
    what: What = None,
    rth: Rth = True,  # noqa: FBT002  a parameter of the query, always named
) -> Wish:
    return Wish(
        query=named.query(),
        bar=bar_size(bar),
        what=kind(what),
        rth=rth,
        start=moment(start, "start"),
        end=moment(end, "end"),
        duration=read_duration(duration) if duration else None,
    )


Wished = Annotated[Wish, Depends(_wish)]


def _told(responses: dict[int | str, dict[str, Any]]) -> dict[int | str, dict[str, Any]]:
    """In every format."""
    for name in FORMATS:
        responses[200]["content"].setdefault(name, {})
    return responses


@router.get(
    "/history/{symbol}",
    summary="Bars of the past",
    response_model=BarsAnswer,
    responses=_told(answers(HISTORY, 404, 406, 409, 422, 501, 503, 504, says="Bars, oldest first.")),
)
async def history(request: Request, engine: TheEngine, wish: Wished, accept: Accept = "") -> Response:
    """Whatever IBKR allows in one request, and beyond: long stretches are fetched in pieces within its limits.

    The same question of several callers is one at IBKR. NDJSON, CSV and Arrow leave as pieces arrive.
    """
    chosen = writer(accept)
    if isinstance(chosen, dict):
        return answer(chosen, request.url.path)
    download = await engine.history.open(wish)
    if not chosen.streams:
        _check_size(download)
    return HistoryAnswer(download, chosen)


def _check_size(download: Download) -> None:
    """Raises InvalidRequest for what would take hours before the first byte."""
    if download.pieces > MOST_AT_ONCE:
        raise InvalidRequest(
            f"This takes up to {download.pieces} requests to IBKR, more than one JSON object should wait for.",
            field="duration",
            advice="Send Accept: application/x-ndjson and read bars as they come, or ask for larger bars.",
        )
