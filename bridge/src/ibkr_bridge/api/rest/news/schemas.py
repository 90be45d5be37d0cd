"""Shapes of the answers about news."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import Field

from ibkr_bridge.domain.account import Seen
from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.ports.research import Article, Headline, NewsProvider

Stale = Annotated[str | None, Field(description="Why this may be out of date; null: it is not")]
AsOf = Annotated[datetime, Field(description="When IBKR said it")]


@dataclass(frozen=True, slots=True)
class ProviderAnswer:
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class HeadlineAnswer:
    """`article` with its `provider` is what GET /news/{provider}/{article} takes."""

    time: datetime
    provider: str
    article: str
    headline: str


@dataclass(frozen=True, slots=True)
class NewsAnswer:
    """`providers` are those that this user may read; `headlines` are of the contract asked for, the latest first."""

    symbol: str | None
    conid: int | None
    providers: tuple[ProviderAnswer, ...]
    headlines: tuple[HeadlineAnswer, ...]
    next_cursor: str | None
    as_of: AsOf
    stale: Stale


@dataclass(frozen=True, slots=True)
class ArticleAnswer:
    """`text` is text or HTML as the provider wrote it, or a PDF in base64."""

    provider: str
    article: str
    format: Literal["text", "pdf"]
    text: str
    as_of: AsOf
    stale: Stale


def news_answer(
    providers: Seen[Sequence[NewsProvider]], about: tuple[Contract, Seen[Sequence[Headline]]] | None
) -> NewsAnswer:
    contract, seen = about or (None, None)
    rows = () if seen is None else seen.value
    return NewsAnswer(
        symbol=contract.symbol if contract else None,
        conid=contract.conid if contract else None,
        providers=tuple(ProviderAnswer(row.code, row.name) for row in providers.value),
        headlines=tuple(HeadlineAnswer(row.at, row.provider, row.article, row.text) for row in rows),
        next_cursor=None,
        as_of=(seen or providers).as_of,
        stale=(seen or providers).stale,
    )


def article_answer(seen: Seen[Article]) -> ArticleAnswer:
    told = seen.value
    return ArticleAnswer(
        told.provider, told.article, "pdf" if told.binary else "text", told.text, seen.as_of, seen.stale
    )


_AT = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)
NEWS = NewsAnswer(
    symbol="AAPL",
    conid=265598,
    providers=(ProviderAnswer("BRFG", "Briefing.com General Market Columns"),),
    headlines=(HeadlineAnswer(_AT, "BRFG", "BRFG$1b2c3d4e", "Apple opens higher"),),
    next_cursor=None,
    as_of=_AT,
    stale=None,
)
ARTICLE = ArticleAnswer("BRFG", "BRFG$1b2c3d4e", "text", "Apple opened at 175.51.", _AT, None)
