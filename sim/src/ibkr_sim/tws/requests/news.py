"""Requests for news."""

from __future__ import annotations

from dataclasses import dataclass

from ibkr_sim.tws.fields import FieldReader


@dataclass(frozen=True, slots=True)
class NewsArticle:
    request_id: int
    provider: str
    article_id: str


@dataclass(frozen=True, slots=True)
class HistoricalNews:
    """`start` and `end` as the client wrote them, or empty; what lies at the start itself is left out."""

    request_id: int
    conid: int
    providers: tuple[str, ...]
    start: str
    end: str
    most: int


def news_article(fields: FieldReader) -> NewsArticle:
    return NewsArticle(fields.integer(), fields.text(), fields.text())


def historical_news(fields: FieldReader) -> HistoricalNews:
    request_id, conid, providers = fields.integer(), fields.integer(), fields.text()
    codes = tuple(code for code in providers.split("+") if code)
    return HistoricalNews(request_id, conid, codes, fields.text(), fields.text(), fields.integer())
