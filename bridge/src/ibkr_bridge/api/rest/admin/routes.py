"""POST /admin/halt, /admin/resume."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Response

from ibkr_bridge.api.json import JsonAnswer
from ibkr_bridge.api.openapi import answers
from ibkr_bridge.api.rest.admin.schemas import HALTED, RESUMED, HaltAnswer, HaltBody, halt_answer
from ibkr_bridge.api.routing import ExactRoute
from ibkr_bridge.api.state import TheEngine

Halt = Annotated[
    HaltBody,
    Body(
        openapi_examples={
            "stop": {"summary": "Nothing new", "value": {}},
            "stop and cancel": {"summary": "And cancel what works", "value": {"cancel": True}},
            "flatten": {"summary": "And bring every position to zero", "value": {"flatten": True}},
            "reduce": {"summary": "Only smaller positions", "value": {"mode": "reduce"}},
        }
    ),
]
router = APIRouter(prefix="/admin", tags=["admin"], route_class=ExactRoute, default_response_class=JsonAnswer)


@router.post(
    "/halt",
    summary="Kill switch: stop trading",
    response_model=HaltAnswer,
    responses=answers(HALTED, 422, says="What was stopped, and what was not."),
)
async def halt(engine: TheEngine, body: Halt) -> Response:
    """Refuses the next order at once; then cancels and flattens as asked. Safe to call twice. Cancels always pass."""
    if body.mode == "reduce":
        report = await engine.halts.reduce()
    else:
        report = await engine.halts.halt(cancel=body.cancel, flatten=body.flatten, foreign=body.foreign)
    return JsonAnswer(halt_answer(report, engine.health.view().at))


@router.post(
    "/resume",
    summary="Trade again",
    response_model=HaltAnswer,
    responses=answers(RESUMED, 422, says="Trading is active."),
)
async def resume(engine: TheEngine) -> Response:
    """Undoes a halt. Nothing that was cancelled comes back."""
    return JsonAnswer(halt_answer(await engine.halts.resume(), engine.health.view().at))
