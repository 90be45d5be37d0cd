"""GET /account/summary, /account/positions, /positions, /pnl."""

from __future__ import annotations

from fastapi import APIRouter, Response

from ibkr_bridge.api.json import JsonAnswer
from ibkr_bridge.api.openapi import answers
from ibkr_bridge.api.queries import AnyAccount, OneAccount
from ibkr_bridge.api.rest.account.schemas import (
    PLAIN_POSITIONS,
    PNL,
    POSITIONS,
    SUMMARY,
    PlainPositionsAnswer,
    PnlAnswer,
    PositionsAnswer,
    SummaryAnswer,
    plain_positions_answer,
    pnl_answer,
    positions_answer,
    summary_answer,
)
from ibkr_bridge.api.routing import ExactRoute
from ibkr_bridge.api.state import TheEngine

router = APIRouter(tags=["account"], route_class=ExactRoute, default_response_class=JsonAnswer)


@router.get(
    "/account/summary",
    summary="Figures of an account",
    response_model=SummaryAnswer,
    responses=answers(SUMMARY, 404, 422, 503, 504, says="IBKR's figures by tag."),
)
async def summary(engine: TheEngine, account: OneAccount = None) -> Response:
    """Net liquidation, cash, buying power and the rest, as text. While IBKR is away the last known figures, marked."""
    return JsonAnswer(summary_answer(await engine.accounts.summary(account)))


@router.get(
    "/account/positions",
    summary="Positions in IBKR's spelling",
    response_model=PlainPositionsAnswer,
    responses=answers(PLAIN_POSITIONS, 404, 422, 503, 504, says="What the account holds."),
)
async def plain_positions(engine: TheEngine, account: AnyAccount = None) -> Response:
    """The same positions as GET /positions, flat and with IBKR's field names."""
    return JsonAnswer(plain_positions_answer(await engine.accounts.positions(account)))


@router.get(
    "/positions",
    summary="Positions with their worth",
    response_model=PositionsAnswer,
    responses=answers(POSITIONS, 404, 422, 503, 504, says="What the account holds, and what it is worth."),
)
async def positions(engine: TheEngine, account: AnyAccount = None) -> Response:
    """While IBKR is away the last known positions, with the reason in `stale`."""
    return JsonAnswer(positions_answer(await engine.accounts.positions(account)))


@router.get(
    "/pnl",
    summary="Profit and loss",
    response_model=PnlAnswer,
    responses=answers(PNL, 404, 422, 503, 504, says="Today's, unrealized and realized profit and loss."),
)
async def pnl(engine: TheEngine, account: OneAccount = None) -> Response:
    """In the account's base currency. The same figures arrive by themselves as `pnlUpdate` on /ws/ib."""
    return JsonAnswer(pnl_answer(await engine.accounts.pnl(account)))
