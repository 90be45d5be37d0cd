"""GET /reconciliation, POST /reconciliation/accept."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Response

from ibkr_bridge.api.json import JsonAnswer
from ibkr_bridge.api.openapi import answers
from ibkr_bridge.api.queries import AnyAccount
from ibkr_bridge.api.rest.reconciliation.schemas import (
    RECONCILED,
    AcceptBody,
    ReconciliationAnswer,
    reconciliation_answer,
)
from ibkr_bridge.api.routing import ExactRoute
from ibkr_bridge.api.state import TheEngine

Accept = Annotated[
    AcceptBody,
    Body(openapi_examples={"by hand": {"summary": "Bought by hand", "value": {"note": "bought in TWS on the phone"}}}),
]
router = APIRouter(
    prefix="/reconciliation", tags=["reconciliation"], route_class=ExactRoute, default_response_class=JsonAnswer
)


@router.get(
    "",
    summary="Our books beside IBKR's",
    response_model=ReconciliationAnswer,
    responses=answers(RECONCILED, 404, 422, says="What agrees, and what does not, since when and why."),
)
async def reconciliation(engine: TheEngine, account: AnyAccount = None) -> Response:
    """Positions as they follow from every fill, beside those that IBKR shows; fills that IBKR does not show.

    Compared by itself every minute and after every fill; a difference that lasts is told on /ws/ib.
    """
    return JsonAnswer(reconciliation_answer(engine.reconciliation.view(account)))


@router.post(
    "/accept",
    summary="IBKR's positions are right",
    response_model=ReconciliationAnswer,
    responses=answers(RECONCILED, 422, says="Counting begins anew from IBKR's positions."),
)
async def accept(engine: TheEngine, body: Accept) -> Response:
    """A person's word on a difference that has a cause outside this service: a transfer, a split, another program."""
    return JsonAnswer(reconciliation_answer(await engine.reconciliation.accept(body.note)))
