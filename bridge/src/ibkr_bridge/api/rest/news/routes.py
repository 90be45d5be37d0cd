"""GET /news, /news/{provider}/{article}."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import AwareDatetime

from ibkr_bridge.api.contracts import Words
from ibkr_bridge.api.json import JsonAnswer
from ibkr_bridge.api.openapi import answers
from ibkr_bridge.api.rest.market.words import Conid, Currency, Exchange, LocalSymbol, PrimaryExchange, SecType
from ibkr_bridge.api.rest.news.schemas import ARTICLE, NEWS, ArticleAnswer, NewsAnswer, article_answer, news_answer
from ibkr_bridge.api.routing import ExactRoute
from ibkr_bridge.api.state import TheEngine
from ibkr_bridge.api.text import PRINTABLE
from ibkr_bridge.domain.contract import ContractQuery

router = APIRouter(prefix="/news", tags=["news"], route_class=ExactRoute, default_response_class=JsonAnswer)

MOST_HEADLINES: Final = 300
"""IBKR gives no more in one answer (TWS API, "Historical News Headlines")."""
Symbol = Annotated[
    str | None,
    Query(max_length=32, pattern=PRINTABLE, description="Headlines about it; without it none.", examples=["AAPL"]),
]
Providers = Annotated[
    str | None,
    Query(
        max_length=200,
        pattern=r"^[A-Za-z0-9-]+(,[A-Za-z0-9-]+)*$",
        description="Codes, separated by commas; all that may be read without them.",
        examples=["BRFG,DJNL"],
    ),
]


async def _about(
    symbol: Symbol = None,
    exchange: Exchange = None,
    currency: Currency = None,
    sec_type: SecType = None,
    primary_exchange: PrimaryExchange = None,
    local_symbol: LocalSymbol = None,
    conid: Conid = None,
) -> ContractQuery | None:
    if symbol is None and local_symbol is None and conid is None:
        return None
    return Words(symbol, conid, sec_type, exchange, currency, primary_exchange, local_symbol).query()


About = Annotated[ContractQuery | None, Depends(_about)]


@router.get(
    "",
    summary="News",
    response_model=NewsAnswer,
    responses=answers(NEWS, 404, 409, 422, 501, 503, 504, says="Who writes, and what about the contract."),
)
async def news(
    engine: TheEngine,
    about: About,
    providers: Providers = None,
    since: Annotated[AwareDatetime | None, Query(description="RFC 3339, with its zone.")] = None,
    until: Annotated[AwareDatetime | None, Query(description="RFC 3339, with its zone; default now.")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_HEADLINES, description="Headlines, the latest first.")] = 50,
) -> Response:
    """The providers that this user may read; with `symbol` or `conid` also their headlines about it."""
    known = await engine.research.news_providers()
    if about is None:
        return JsonAnswer(news_answer(known, None))
    codes = providers.split(",") if providers else ()
    found = await engine.research.headlines(about, codes, start=since, end=until, limit=limit)
    return JsonAnswer(news_answer(known, found))


@router.get(
    "/{provider}/{article}",
    summary="An article",
    response_model=ArticleAnswer,
    responses=answers(ARTICLE, 422, 501, 503, 504, says="Its text."),
)
async def article(
    engine: TheEngine,
    provider: Annotated[
        str, Path(max_length=32, pattern=r"^[A-Za-z0-9-]+$", description="Its code.", examples=["BRFG"])
    ],
    article: Annotated[
        str, Path(max_length=128, pattern=PRINTABLE, description="As a headline names it.", examples=["BRFG$1b2c3d4e"])
    ],
) -> Response:
    """What the provider wrote is shown as it came: it may hold HTML, which a page must not show unchecked."""
    return JsonAnswer(article_answer(await engine.research.article(provider, article)))
