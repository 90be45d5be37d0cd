"""News: who writes, what was written of a contract, each article's text; and IBKR's bulletins."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice, takewhile
from typing import Final

from ibkr_sim.exchange.model import Contract, Rejected
from ibkr_sim.reference.news import PROVIDERS, article, articles, headline, text
from ibkr_sim.tws.answers import news as answers
from ibkr_sim.tws.bulletins import Bulletin
from ibkr_sim.tws.history_rules import moment
from ibkr_sim.tws.refusals import invalid
from ibkr_sim.tws.requests.news import HistoricalNews, NewsArticle
from ibkr_sim.tws.requests.session import Plain, Switch
from ibkr_sim.tws.session import Session

NO_ARTICLE, NOT_ALLOWED = 10172, 10276
MOST: Final = 300
_FORM: Final = "%Y-%m-%d %H:%M:%S"


def news_providers(session: Session, _request: Plain) -> None:
    session.send(answers.news_providers(session.version, PROVIDERS))


def news_article(session: Session, request: NewsArticle) -> None:
    found = article(session.market, request.provider, request.article_id)
    if found is None:
        session.outlet.error(request.request_id, NO_ARTICLE, "Failed to request news article:No data available")
    else:
        session.send(answers.news_article(session.version, request.request_id, text(session.market, found)))


def historical_news(session: Session, request: HistoricalNews) -> None:
    """The latest first; times are UTC."""
    try:
        contract, start, end = _checked(session, request)
    except Rejected as refusal:
        session.refuse(request.request_id, refusal)
        return
    version, request_id, most = session.version, request.request_id, min(request.most, MOST)
    written = articles(contract, request.providers, end)
    found = list(islice(takewhile(lambda row: start is None or row.time > start, written), most + 1))
    for row in found[:most]:
        line = headline(session.market, row)
        session.send(answers.historical_news(version, request_id, row.time, row.provider, row.id, line))
    session.send(answers.historical_news_end(version, request_id, has_more=len(found) > most))


def bulletins(session: Session, request: Switch) -> None:
    """From now on each as it is issued; `on` asks for those of the day before them."""
    board = session.house.bulletins

    def tell(issued: Bulletin) -> None:
        session.send(answers.bulletin(session.version, issued))

    for earlier in board.today(session.market.now()) if request.on else ():
        tell(earlier)
    board.listen(session.client_id, tell)


def cancel_bulletins(session: Session, _request: Plain) -> None:
    session.house.bulletins.leave(session.client_id)


def _checked(session: Session, request: HistoricalNews) -> tuple[Contract, datetime | None, datetime]:
    """The contract, and between which moments. Raises Rejected."""
    contract = session.market.contract(request.conid)
    if contract is None or contract.legs:
        raise Rejected(*invalid("Invalid contract id"))
    if not request.providers or not set(request.providers) <= PROVIDERS.keys():
        raise Rejected(NOT_ALLOWED, "News feed is not allowed.")
    if request.most < 1:
        raise Rejected(*invalid("Total results must be above 0"))
    start, end = (_moment(session, written) for written in (request.start, request.end))
    now = session.market.now()
    return contract, start, min(end or now, now)


def _moment(session: Session, written: str) -> datetime | None:
    """Raises Rejected (10314)."""
    if not written:
        return None
    try:
        return datetime.strptime(written.partition(".")[0], _FORM).replace(tzinfo=UTC)
    except ValueError:
        return moment(written, session.house.settings.time_zone)
