"""Who listens to what; a message is encoded once and the same bytes are offered to everybody."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from ibkr_bridge.hub.encoded import Encode
from ibkr_bridge.hub.subscriber import Subscriber

_log = logging.getLogger(__name__)
Hear = Callable[[object], None]


class Hub:
    """Implements ports.publisher.Publisher. Belongs to one event loop."""

    def __init__(self, encode: Encode) -> None:
        self._encode = encode
        self._topics: dict[str, set[Subscriber]] = {}
        self._subscribers: set[Subscriber] = set()
        self._taps: dict[str, list[Hear]] = {}

    @property
    def subscribers(self) -> int:
        return len(self._subscribers)

    def listeners(self, topic: str) -> int:
        return len(self._topics.get(topic, ()))

    def publish(self, topic: str, message: object) -> None:
        """Offer `message` to every listener of the topic. Never waits, never raises."""
        for hear in tuple(self._taps.get(topic, ())):
            try:
                hear(message)
            except Exception:  # noqa: BLE001  as below
                _log.exception("a message on %s was not understood by one who taps it", topic)
        listeners = self._topics.get(topic)
        if not listeners:
            return
        try:
            encoded = self._encode(topic, message)
        except Exception:  # noqa: BLE001  one bad message must not reach the engine as an exception
            _log.exception("a message on %s could not be encoded and was not delivered", topic)
            return
        for listener in tuple(listeners):
            listener.offer(topic, encoded)

    @contextmanager
    def subscriber(self, *, limit: int, flush_window: float) -> Iterator[Subscriber]:
        """A new listener to nothing yet; on leaving the block it is closed and hears no more."""
        subscriber = Subscriber(self._join, self._leave, limit=limit, flush_window=flush_window)
        self._subscribers.add(subscriber)
        try:
            yield subscriber
        finally:
            subscriber.close()
            self._subscribers.discard(subscriber)

    def tap(self, topic: str, hear: Hear) -> Callable[[], None]:
        """Tell `hear` each message itself, for a face that writes it in a form of its own; what is returned ends it."""
        self._taps.setdefault(topic, []).append(hear)
        return partial(self._untap, topic, hear)

    def close(self, reason: str = "the service is stopping") -> None:
        """Tell every subscriber to go, with the close code for "come back later"."""
        for subscriber in tuple(self._subscribers):
            subscriber.go_away(reason)

    def _join(self, topic: str, subscriber: Subscriber) -> None:
        self._topics.setdefault(topic, set()).add(subscriber)

    def _leave(self, topic: str, subscriber: Subscriber) -> None:
        listeners = self._topics.get(topic)
        if listeners is None:
            return
        listeners.discard(subscriber)
        if not listeners:
            del self._topics[topic]

    def _untap(self, topic: str, hear: Hear) -> None:
        taps = self._taps.get(topic, [])
        if hear in taps:
            taps.remove(hear)
        if not taps:
            self._taps.pop(topic, None)
