"""What listeners hear: quotes that look different, and changes once they are complete."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from decimal import Decimal

from ibkr_sim.exchange.model import Event, PositionChanged, QuoteChanged
from ibkr_sim.exchange.prices.tape import Tape
from ibkr_sim.exchange.prices.timeline import Timeline
from ibkr_sim.exchange.trading.book import Book
from ibkr_sim.exchange.trading.quotes import Look, look, told

Listener = Callable[[Event], None]


class Publisher:
    """Keeps events until `deliver`; what nobody listens to is not even put into words."""

    def __init__(self, tape: Callable[[int], Tape], book: Callable[[int], Book], timeline: Timeline) -> None:
        self._tape, self._book, self._timeline = tape, book, timeline
        self._shown: dict[int, Look] = {}
        self._listeners: list[Listener] = []
        self._events: deque[Event] = deque()
        self._delivering = False

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """The way to end it."""
        self._listeners.append(listener)

        def unsubscribe() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return unsubscribe

    def emit(self, event: Event) -> None:
        if self._listeners:
            self._events.append(event)

    def show(self, conid: int, traded: Decimal | None = None) -> None:
        """The quote: after a trade of so many always, else if it is not what was shown last."""
        tape = self._tape(conid)
        seen = look(tape, self._book(conid))
        if traded is None and self._shown.get(conid) == seen:
            return
        self._shown[conid] = seen
        if self._listeners:
            self.emit(QuoteChanged(told(tape, seen, self._timeline.time_of(tape.step)), traded))

    def tell(self, conids: Sequence[int], positions: Sequence[PositionChanged]) -> None:
        """Holdings that changed, then the quotes that changed with them."""
        for position in positions:
            self.emit(position)
        for conid in conids:
            self.show(conid)

    def deliver(self) -> None:
        """Listeners hear of a change when it is complete; what they cause is heard after it, in order."""
        if self._delivering:
            return
        self._delivering = True
        try:
            while self._events:
                event = self._events.popleft()
                for listener in tuple(self._listeners):
                    listener(event)
        finally:
            self._delivering = False
