"""Messages that carry news."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from ibkr_sim.tws.bulletins import Bulletin
from ibkr_sim.tws.fields import FieldWriter

_HTML = 0


def news_providers(version: int, providers: Mapping[str, str]) -> bytes:
    writer = FieldWriter(85, version).add(len(providers))
    for code, name in providers.items():
        writer.add(code, name)
    return writer.frame()


def historical_news(
    version: int, request_id: int, time: datetime, provider: str, article_id: str, headline: str
) -> bytes:
    moment = f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S}.0"
    return FieldWriter(86, version).add(request_id, moment, provider, article_id, headline).frame()


def historical_news_end(version: int, request_id: int, *, has_more: bool) -> bytes:
    return FieldWriter(87, version).add(request_id, has_more).frame()


def news_article(version: int, request_id: int, text: str) -> bytes:
    return FieldWriter(83, version).add(request_id, _HTML, text).frame()


def tick_news(version: int, request_id: int, time: datetime, provider: str, article_id: str, headline: str) -> bytes:
    milliseconds = int(time.timestamp() * 1000)
    return FieldWriter(84, version).add(request_id, milliseconds, provider, article_id, headline, "").frame()


def bulletin(version: int, issued: Bulletin) -> bytes:
    """A backslash is doubled: IBKR's clients read the text as escapes."""
    text = issued.text.replace("\\", "\\\\")
    return FieldWriter(14, version).add(1, issued.id, issued.kind.value, text, issued.exchange).frame()
