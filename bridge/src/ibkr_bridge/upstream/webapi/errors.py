"""What went wrong, from a status and a body of any shape (JSON, text, HTML, nothing). Pure."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import Any, Final

from ibkr_bridge.domain.errors import BridgeError, BrokerAway, BrokerRefused, BrokerSilent
from ibkr_bridge.upstream.webapi import bodies

_TAG: Final = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>", re.DOTALL | re.IGNORECASE)
_UNBRIDGED: Final = ("no bridge", "please query /accounts first")
_NO_BRIDGE: Final = (*_UNBRIDGED, "init session first")
_LONGEST: Final = 300
TOO_MANY: Final = 429


class Unauthenticated(BrokerAway):
    """The login is gone, or was never there. The request was refused before it was read."""


class Unbridged(BrokerAway):
    """The login lives, the brokerage session does not: the request was refused before it was read."""


class PacedOut(BrokerAway):
    """IBKR's penalty box (429). `wait` is what it asked for, in seconds, if it did."""

    def __init__(self, detail: str, wait: float | None = None) -> None:
        super().__init__(detail, advice="Nothing was sent. The service waits the penalty out by itself.")
        self.wait = wait


class Unreachable(BrokerAway):
    """No connection could be made."""


class CertificateChanged(Unreachable):
    """The far end shows another certificate than the one it was known by."""


class NotVerified(Unreachable):
    """The far end's certificate proves nothing."""


class Unavailable(BrokerSilent):
    """IBKR's servers failed, gave up or broke off: what was asked may have been done."""

    def __init__(self, detail: str) -> None:
        BridgeError.__init__(self, detail, advice="Try again; GET /health shows the session.")


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    text: str
    retry_after: float | None = None
    content_type: str = "application/json"


def value(answer: Answer) -> Any:
    """The body of a good answer. Raises what `problem` makes of a bad one, also of a 200 with an error in it."""
    if answer.status >= 300:
        raise problem(answer)
    if not answer.text.strip():
        return None
    try:
        body = bodies.decode(answer.text)
    except ValueError:
        if answer.text.lstrip().startswith("<"):
            raise Unavailable(f"IBKR answered with a page: {plain(answer.text)[:_LONGEST]}") from None
        return answer.text
    if (text := error_in(body)) is not None:
        raise _by_text(answer.status, text)
    return body


def error_in(body: object) -> str | None:
    """The text of `{"error": ...}`, also alone in a list; None where there is none."""
    if isinstance(body, list) and len(body) == 1:
        return error_in(body[0]) if isinstance(body[0], dict) and "order_id" not in body[0] else None
    if not isinstance(body, dict) or not body.get("error") or len(body.keys() - {"error", "statusCode", "topic"}) > 1:
        return None
    return str(body["error"])


def problem(answer: Answer) -> BridgeError:
    """Of a status that is not 200."""
    (text, spoken), status = _reason(answer.text), answer.status
    if status == TOO_MANY:
        box = "IBKR has put this address into its penalty box for too many requests (429)."
        return PacedOut(box, answer.retry_after)
    if status == 401 and not answer.text.strip():  # an account that is not the user's; the login is sound
        return BrokerRefused(status, "IBKR does not know this account in this session.")
    if status < 400 or status == 401:
        return Unauthenticated(text or "IBKR does not recognise the login.")
    if status == 400 or (status == 500 and spoken):
        return _by_text(status, text or "IBKR answered 400.")
    if status >= 500:
        return Unavailable(f"IBKR answered {status}: {text or 'no reason given'}.")
    return BrokerRefused(status, text or f"IBKR answered {status}.")


def ending(answer: Answer) -> BrokerAway | None:
    """The end of the session, where the answer says so in so many words; any other refusal is about what was asked."""
    if answer.status < 300:
        return None
    text, spoken = _reason(answer.text)
    lowered, status = text.lower(), answer.status
    if status < 400 or (status == 401 and text and (not spoken or "not authenticated" in lowered)):
        return Unauthenticated(text or "IBKR does not recognise the login.")
    if any(words in lowered for words in _UNBRIDGED):
        return Unbridged(f"IBKR has no brokerage session for this login: {text}")
    return None


def plain(text: str) -> str:
    """Without HTML, in one paragraph."""
    return " ".join(html.unescape(_TAG.sub(" ", text)).split())


def _by_text(status: int, text: str) -> BridgeError:
    lowered = text.lower()
    if any(words in lowered for words in _NO_BRIDGE):
        return Unbridged(f"IBKR has no brokerage session for this login: {text}")
    if "not authenticated" in lowered or lowered == "no session":
        return Unauthenticated(text)
    return BrokerRefused(None if status == 200 else status, plain(text))


def _reason(text: str) -> tuple[str, bool]:
    """The words, whatever they are wrapped in, and whether they are of the program that was asked: it speaks JSON."""
    try:
        body = bodies.decode(text)
    except ValueError:
        return plain(text)[:_LONGEST], False
    if not isinstance(body, dict):
        return plain(str(body))[:_LONGEST], False
    told = body.get("error") or body.get("detail") or body.get("title")
    return plain(str(told or ""))[:_LONGEST], told is not None
