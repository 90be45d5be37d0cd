"""GET /market/bars/{symbol}: the last bars, to go on with those of /ws/stream."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from ibkr_bridge.api.columns.rows import bar_answer
from ibkr_bridge.api.contracts import contract_answer
from ibkr_bridge.api.json import JsonAnswer
from ibkr_bridge.api.openapi import answers
from ibkr_bridge.api.rest.market.history import Rth, What
from ibkr_bridge.api.rest.market.history_schemas import LAST_BARS, LastBarsAnswer
from ibkr_bridge.api.rest.market.history_words import kind
from ibkr_bridge.api.rest.market.words import Named
from ibkr_bridge.api.routing import ExactRoute
from ibkr_bridge.api.state import TheEngine
from ibkr_bridge.domain.bars import bar_size

router = APIRouter(prefix="/market", tags=["market"], route_class=ExactRoute, default_response_class=JsonAnswer)

Size = Annotated[str | None, Query(max_length=24, description="As of history; default 5s, at the Web API's door 1m.")]
Count = Annotated[int, Query(ge=1, le=300, description="How many at most.")]


@router.get(
    "/bars/{symbol}",
    summary="The last bars",
    response_model=LastBarsAnswer,
    responses=answers(LAST_BARS, 404, 409, 422, 501, 503, 504, says="The newest bars, oldest first."),
)
async def bars(
    engine: TheEngine,
    named: Named,
    bar: Size = None,
    count: Count = 60,
    what: What = None,
    rth: Rth = False,  # noqa: FBT002  a parameter of the query, always named
) -> Response:
    """Then subscribe to `{"channel": "bars"}` on /ws/stream. Bars of five seconds that a line there has brought count
    in here; the rest is asked for, within IBKR's limits for history.
    """
    size = None if bar is None else bar_size(bar)
    found = await engine.bars.last(named.query(), size, count, kind(what), rth=rth)
    return JsonAnswer(
        LastBarsAnswer(
            contract=contract_answer(found.contract),
            bar=found.bar.name,
            what=found.what,
            rth=found.rth,
            bars=[bar_answer(row) for row in found.bars],
            complete=found.complete,
            live="ibkr" if engine.history.limits.live else "quotes",
            as_of=found.as_of,
            stale=engine.bars.stale(found.contract.conid),
        )
    )
