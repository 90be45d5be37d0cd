"""What a socket refuses by itself."""

from __future__ import annotations


class SocketRefusal(Exception):
    """Told on the socket, which stays open."""

    def __init__(self, code: str, detail: str, advice: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.advice = advice
        self.retryable = False


def too_many(limit: int) -> SocketRefusal:
    return SocketRefusal(
        "subscription.limit",
        f"One socket may listen to {limit} contracts.",
        "Unsubscribe from others first, or raise IBKR_SERVICE_WS_SUBSCRIPTIONS.",
    )


def not_subscribed(asked: str) -> SocketRefusal:
    return SocketRefusal(
        "subscription.unknown",
        f"This socket does not listen to {asked}.",
        "Use the words of the subscription, or the conid.",
    )
