"""GET /market/search, /market/depth/{symbol}, /market/options/{symbol}, /market/ticks/{symbol}."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime

from ibkr_bridge.api.json import JsonAnswer
from ibkr_bridge.api.numbers import read
from ibkr_bridge.api.openapi import answers
from ibkr_bridge.api.rest.market.research_schemas import (
    DEPTH,
    MODEL,
    OPTIONS,
    SEARCH,
    TICKS,
    DepthAnswer,
    ModelAnswer,
    OptionsAnswer,
    SearchAnswer,
    TicksAnswer,
    depth_answer,
    model_answer,
    options_answer,
    search_answer,
    ticks_answer,
)
from ibkr_bridge.api.rest.market.words import Meant
from ibkr_bridge.api.routing import ExactRoute
from ibkr_bridge.api.state import TheEngine
from ibkr_bridge.domain.errors import InvalidRequest
from ibkr_bridge.engine.research.books import MOST_ROWS
from ibkr_bridge.ports.research import OptionModel, OptionWish, Right, TickKind, TickWindow

router = APIRouter(prefix="/market", tags=["market"], route_class=ExactRoute, default_response_class=JsonAnswer)

_SPOKEN: Final = r"^ *[!-~][ -~]*$"
"""Printable, and not all blanks."""
_NUMBER: Final = r"^[0-9.]+$"
_MOST_STRIKES: Final = 50
MOST_TICKS: Final = 1000
"""IBKR gives no more in one answer (TWS API, "Historical Time and Sales")."""
Text = Annotated[
    str,
    Query(max_length=64, pattern=_SPOKEN, description="Part of a symbol or name.", examples=["AAPL"]),
]
Rows = Annotated[int, Query(ge=1, le=MOST_ROWS, description="Levels of each side.")]
Expiry = Annotated[date | None, Query(description="With it the chain of that day, without it what is listed.")]
SideOfChain = Annotated[Literal["C", "P"] | None, Query(description="Calls or puts; both without it.")]
Strikes = Annotated[
    str | None,
    Query(
        max_length=1000,
        pattern=r"^[0-9.,]+$",
        description="Separated by commas; without them those nearest to the underlying's price.",
        examples=["170,175,180"],
    ),
]
Start = Annotated[AwareDatetime | None, Query(description="RFC 3339, with its zone: the first ticks from then on.")]
End = Annotated[AwareDatetime | None, Query(description="The last ticks before then; default now.")]


@router.get(
    "/search",
    summary="Find contracts",
    response_model=SearchAnswer,
    responses=answers(SEARCH, 422, 503, 504, says="What IBKR finds, the best first; an empty list: nothing."),
)
async def search(engine: TheEngine, q: Text) -> Response:
    """By symbol or by a part of the company's name. IBKR allows one such question a second: others wait their turn."""
    return JsonAnswer(search_answer(await engine.research.search(q.strip())))


@router.get(
    "/depth/{symbol}",
    summary="Depth of the order book",
    response_model=DepthAnswer,
    responses=answers(DEPTH, 404, 409, 422, 501, 503, 504, says="Both sides, the best level first."),
)
async def depth(engine: TheEngine, meant: Meant, rows: Rows = 10) -> Response:
    """Opens a line to IBKR, which stays open for a while; IBKR gives an account few of them (three by default).

    Live on /ws/stream: `{"action": "subscribe", "channel": "depth", "symbol": "AAPL"}`.
    """
    contract, seen = await engine.research.books.book(meant)
    return JsonAnswer(depth_answer(contract, seen.value, rows, seen.value.at, seen.stale))


@router.get(
    "/options/{symbol}",
    summary="Options on a contract",
    response_model=OptionsAnswer,
    responses=answers(OPTIONS, 404, 409, 422, 501, 503, 504, says="What is listed, or the chain of one expiry."),
)
async def options(
    engine: TheEngine, meant: Meant, expiry: Expiry = None, right: SideOfChain = None, strikes: Strikes = None
) -> Response:
    """Without `expiry` the expiries and strikes; with one the options with prices, greeks and open interest."""
    if expiry is None:
        underlying, listed = await engine.research.option_series(meant)
        return JsonAnswer(options_answer(underlying, None, series=listed.value, as_of=listed.as_of, stale=listed.stale))
    wish = OptionWish(expiry, Right(right) if right else None, _strikes(strikes))
    underlying, chain = await engine.research.option_chain(meant, wish)
    return JsonAnswer(options_answer(underlying, expiry, options=chain.value, as_of=chain.as_of, stale=chain.stale))


@router.get(
    "/options/{symbol}/model",
    summary="Reckon an option",
    response_model=ModelAnswer,
    responses=answers(MODEL, 404, 409, 422, 501, 503, 504, says="Price, volatility and greeks by IBKR's model."),
)
async def option_model(
    engine: TheEngine,
    meant: Meant,
    expiry: Annotated[date, Query(description="The last trading day.")],
    strike: Annotated[str, Query(max_length=32, pattern=_NUMBER, description="A number.")],
    right: Annotated[Literal["C", "P"], Query(description="Call or put.")],
    underlying_price: Annotated[str, Query(max_length=32, pattern=_NUMBER, description="A number.")],
    volatility: Annotated[
        str | None, Query(max_length=32, pattern=_NUMBER, description="Of a year, 0.25 is 25 %: the price is reckoned.")
    ] = None,
    price: Annotated[
        str | None, Query(max_length=32, pattern=_NUMBER, description="Of the option: its volatility is reckoned.")
    ] = None,
) -> Response:
    """From `volatility` or from `price`, whether or not such an option is listed."""
    model = OptionModel(
        expiry,
        _positive(strike, "strike"),
        Right(right),
        _positive(underlying_price, "underlying_price"),
        None if volatility is None else _positive(volatility, "volatility"),
        None if price is None else _positive(price, "price"),
    )
    underlying, seen = await engine.research.computed(meant, model)
    return JsonAnswer(model_answer(underlying, model, seen))


@router.get(
    "/ticks/{symbol}",
    summary="Single ticks of the past",
    response_model=TicksAnswer,
    responses=answers(TICKS, 404, 409, 422, 501, 503, 504, says="The oldest first."),
)
async def ticks(
    engine: TheEngine,
    meant: Meant,
    kind: Annotated[TickKind, Query(description="Trades, changes of bid and ask, or midpoints.")] = TickKind.TRADES,
    limit: Annotated[int, Query(ge=1, le=MOST_TICKS, description="IBKR completes the last second.")] = 100,
    start: Start = None,
    end: End = None,
) -> Response:
    """Times are of whole seconds. For more, ask again with `start` at the last time of the answer."""
    contract, seen = await engine.research.ticks(meant, TickWindow(kind, limit, start, end))
    return JsonAnswer(ticks_answer(contract, kind, seen))


def _positive(text: str, name: str) -> Decimal:
    """Raises InvalidRequest."""
    try:
        found = read(text)
    except ValueError as error:
        raise InvalidRequest(f"{name}: {error}", field=name) from None
    if not found:
        raise InvalidRequest(f"{name} must be above 0.", field=name)
    return found


def _strikes(text: str | None) -> tuple[Decimal, ...]:
    """Raises InvalidRequest."""
    try:
        found = {strike for word in (text or "").split(",") if word and (strike := read(word)) is not None}
    except ValueError as error:
        raise InvalidRequest(f"strikes: {error}", field="strikes") from None
    if len(found) > _MOST_STRIKES:
        raise InvalidRequest(f"At most {_MOST_STRIKES} strikes can be named.", field="strikes")
    return tuple(sorted(found))
