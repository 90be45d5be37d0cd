"""What one connection has subscribed to, and how it asks for more or less."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from ibkr_sim.exchange.model import Contract, Event
from ibkr_sim.webapi.ordering.tradebook import Trade
from ibkr_sim.webapi.resources.history import HistoryQuery, InvalidPeriod, InvalidSource, history, parse_query
from ibkr_sim.webapi.settings import OrderStream
from ibkr_sim.webapi.shapes import accounts as account_shapes
from ibkr_sim.webapi.shapes.summaries import summary_stream
from ibkr_sim.webapi.streams.accounts import AccountRows, ProfitAndLoss
from ibkr_sim.webapi.streams.depth import PriceLadder
from ibkr_sim.webapi.streams.exercise import Exercise
from ibkr_sim.webapi.streams.grammar import Request
from ibkr_sim.webapi.streams.marketdata import MarketData
from ibkr_sim.webapi.streams.orders import Orders
from ibkr_sim.webapi.streams.topic import Listener, Topic
from ibkr_sim.webapi.streams.trades import Trades

MOST_HISTORIES: Final = 5
_OF_BROKERAGE: Final = frozenset({"smd", "smh", "sor", "str", "sbd", "shs", "inp"})
"""Topics that need the brokerage session."""


class Subscriptions:
    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._topics: dict[str, Topic] = {}
        self._histories: set[str] = set()
        self._count = 0
        self._exercise = Exercise(listener)
        self._actions: Mapping[str, Callable[[Request], None]] = MappingProxyType(
            {
                "smd": self._market_data,
                "umd": self._end_market_data,
                "smh": self._history,
                "umh": self._end_history,
                "sor": self._orders,
                "uor": partial(self._end, "sor"),
                "str": self._trades,
                "utr": partial(self._end, "str"),
                "spl": self._profit_and_loss,
                "upl": partial(self._end, "spl"),
                "ssd": self._summary,
                "usd": partial(self._end_rows, "ssd", "summary"),
                "sld": self._ledger,
                "uld": partial(self._end_rows, "sld", "ledger"),
                "sbd": self._depth,
                "ubd": self._end_depth,
                "shs": self._exercise.show,
                "inp": self._exercise.enter,
            }
        )

    def ask(self, request: Request) -> bool:
        """False for a topic that does not exist."""
        action = self._actions.get(request.topic)
        if action is None:
            return False
        sessions, session = self._listener.house.sessions, self._listener.session
        if request.topic in _OF_BROKERAGE and not sessions.is_authenticated(session):
            self._listener.refuse(request.topic, "no bridge", 400)
        else:
            action(request)
        return True

    def hear(self, event: Event, trade: Trade | None) -> None:
        for topic in tuple(self._topics.values()):
            topic.hear(event, trade)

    def beat(self, moment: float) -> None:
        for name, topic in tuple(self._topics.items()):
            if not topic.beat(moment):
                self._topics.pop(name, None)

    def end_topics(self, pattern: str) -> None:
        """Without a word; `smd` stands for every one that begins so."""
        for name in [name for name in self._topics if pattern in (name, name[:3])]:
            del self._topics[name]
            number = name.partition("+")[2].partition("@")[0]
            if name.startswith("smd+") and number.isdecimal():
                self._listener.session.progress.streamed.discard(int(number))

    def renew_quotes(self) -> None:
        for topic in self._topics.values():
            if isinstance(topic, MarketData | PriceLadder):
                topic.renew()

    def drop_brokerage(self) -> None:
        """What needs a brokerage session ends without a word, and does not come back by itself."""
        kept = {name: topic for name, topic in self._topics.items() if name[:3] not in _OF_BROKERAGE}
        self._topics = kept
        self._histories.clear()

    def _begin(self, name: str, topic: Topic) -> None:
        self._topics[name] = topic
        topic.begin()

    def _end(self, name: str, _request: Request) -> None:
        self._topics.pop(name, None)

    def _market_data(self, request: Request) -> None:
        number = request.target.partition("@")[0]
        market = self._listener.house.market
        contract = market.contract(int(number)) if number.isdecimal() and len(number) < 12 else None
        name = f"smd+{request.target}"
        if contract is None:
            self._listener.refuse(name, "invalid conid", 400)
            return
        lines = sum(1 for known in self._topics if known.startswith("smd+"))
        if lines >= self._listener.house.settings.market_data_lines and name not in self._topics:
            self._listener.refuse(name)
            return
        fields = _names(request.arguments.get("fields")) or ("31", "84", "86")
        self._count += 1
        self._begin(name, MarketData(self._listener, name, contract, fields, f"q{self._count % 33}"))

    def _end_market_data(self, request: Request) -> None:
        self._topics.pop(f"smd+{request.target}", None)
        number = request.target.partition("@")[0]
        if number.isdecimal() and len(number) < 12:
            self._listener.session.progress.streamed.discard(int(number))

    def _history(self, request: Request) -> None:
        """One frame; it counts until it is unsubscribed."""
        name = f"smh+{request.target}"
        if len(self._histories) >= MOST_HISTORIES:
            self._listener.refuse(name, "Too many requests", 429)
            return
        try:
            query = _history_query(request)
        except (InvalidPeriod, InvalidSource) as error:
            what = "period" if isinstance(error, InvalidPeriod) else "source"
            self._listener.refuse(name, f"invalid {what}", 400)
            return
        told = history(self._listener.house.market, query)
        if told is None:
            self._listener.refuse(name, "invalid conid", 400)
            return
        self._count += 1
        server_id = str(20_000 + self._count)
        self._histories.add(server_id)
        self._listener.tell({**told, "serverId": server_id, "topic": name})

    def _end_history(self, request: Request) -> None:
        if request.target in self._histories:
            self._histories.discard(request.target)
            self._listener.tell({"message": f"Unsubscribed {request.target}"})

    def _orders(self, request: Request) -> None:
        if self._listener.house.unsettled.order_stream is OrderStream.REFUSED:
            self._listener.refuse("sor")
            return
        self._begin("sor", Orders(self._listener, _names(request.arguments.get("filters"))))

    def _trades(self, request: Request) -> None:
        live = request.arguments.get("realtimeUpdatesOnly") or request.arguments.get("realtime_updates_only")
        days = request.arguments.get("days", 1)
        past = days if isinstance(days, int) and not live else 0
        self._begin("str", Trades(self._listener, past))

    def _profit_and_loss(self, _request: Request) -> None:
        self._begin("spl", ProfitAndLoss(self._listener))

    def _summary(self, request: Request) -> None:
        market = self._listener.house.market
        self._rows(request, "ssd", lambda figures: summary_stream(figures, market.now()))

    def _ledger(self, request: Request) -> None:
        market = self._listener.house.market
        self._rows(request, "sld", lambda figures: account_shapes.ledger_stream(figures, market.now()))

    def _rows(
        self, request: Request, kind: str, read: Callable[[account_shapes.Figures], list[dict[str, Any]]]
    ) -> None:
        name = f"{kind}+{request.target}"
        if request.target not in self._listener.house.market.accounts:
            self._listener.refuse(name, "invalid account", 400)
            return
        keys, fields = (_names(request.arguments.get(part)) for part in ("keys", "fields"))
        self._begin(name, AccountRows(self._listener, name, request.target, read, keys, fields))

    def _end_rows(self, kind: str, word: str, request: Request) -> None:
        self._topics.pop(f"{kind}+{request.target}", None)
        self._listener.tell({"result": f"unsubscribed from {word}"})

    def _depth(self, request: Request) -> None:
        """`sbd+ACCOUNT+CONID+EXCHANGE`; as at the TWS door, the whole book is on whichever exchange is named."""
        name = "+".join((request.topic, *request.targets))
        account, conid, exchange = (*request.targets, "", "", "")[:3]
        house = self._listener.house
        contract = house.market.contract(int(conid)) if conid.isdecimal() and len(conid) < 12 else None
        if account not in house.market.accounts:
            self._listener.refuse(name, "invalid account", 400)
        elif contract is None:
            self._listener.refuse(name, "invalid conid", 400)
        elif not house.settings.depth or not _has_book(contract, exchange):
            self._listener.refuse(name)
        else:
            self._begin(name, PriceLadder(self._listener, name, contract))

    def _end_depth(self, request: Request) -> None:
        """Every ladder of an account at once."""
        for name in [name for name in self._topics if name.startswith(f"sbd+{request.target}+")]:
            del self._topics[name]


def _has_book(contract: Contract, exchange: str) -> bool:
    return contract.sec_type != "IND" and (not exchange or exchange in contract.valid_exchanges)


def _names(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()


def _history_query(request: Request) -> HistoryQuery:
    """Raises InvalidPeriod, InvalidSource."""
    arguments = request.arguments
    return parse_query(
        {
            "conid": request.target.partition("@")[0],
            "period": str(arguments.get("period", "")),
            "bar": str(arguments.get("bar", "")),
            "outsideRth": str(arguments.get("outsideRth", arguments.get("outside_rth", ""))),
            "source": str(arguments.get("source", "")),
        }
    )
