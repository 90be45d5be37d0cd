"""Who listens to what; a message is encoded once and the same bytes are offered to everybody."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from ibkr_bridge.hub.encoded import Encode
from ibkr_bridge.hub.subscriber import Subscriber

_log = logging.getLogger(__name__)


class Hub:
    """Implements ports.publisher.Publisher. Belongs to one event loop."""

    def __init__(self, encode: Encode) -> None:
        self._encode = encode
        self._topics: dict[str, set[Subscriber]] = {}
        self._subscribers: set[Subscriber] = set()

    @property
    def subscribers(self) -> int:
        return len(self._subscribers)

    def listeners(self, topic: str) -> int:
        return len(self._topics.get(topic, ()))

    def publish(self, topic: str, message: object) -> None:
        """Offer `message` to every listener of the topic. Never waits, never raises."""
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
