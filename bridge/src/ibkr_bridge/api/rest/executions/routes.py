"""GET /executions."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime

from ibkr_bridge.api.json import JsonAnswer
from ibkr_bridge.api.openapi import answers
from ibkr_bridge.api.rest.executions.schemas import EXECUTIONS, ExecutionsAnswer, executions_answer
from ibkr_bridge.api.routing import ExactRoute
from ibkr_bridge.api.state import TheEngine
from ibkr_bridge.api.text import ACCOUNT, PRINTABLE

router = APIRouter(prefix="/executions", tags=["orders"], route_class=ExactRoute, default_response_class=JsonAnswer)


@router.get(
    "",
    summary="Executions",
    response_model=ExecutionsAnswer,
    responses=answers(EXECUTIONS, 404, 422, 503, says="One page, the oldest first."),
)
async def executions(
    engine: TheEngine,
    since: Annotated[
        AwareDatetime | None, Query(description="RFC 3339, with its zone; default the last 24 hours.")
    ] = None,
    symbol: Annotated[str | None, Query(max_length=32, pattern=PRINTABLE, description="Only of it.")] = None,
    account: Annotated[str | None, Query(max_length=32, pattern=ACCOUNT, description="Only of this account.")] = None,
    cursor: Annotated[
        str | None, Query(max_length=32, pattern=PRINTABLE, description="`next_cursor` of the page before.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="Executions per page.")] = 100,
) -> Response:
    """Those of this service's orders, as far back as its journal goes; the last page ends with those placed elsewhere,
    which IBKR shows for a day. A page may be shorter than `limit` and yet have a `next_cursor`."""
    page = await engine.research.executions.page(
        account=account, symbol=symbol, since=since, cursor=cursor, limit=limit
    )
    return JsonAnswer(executions_answer(page))
