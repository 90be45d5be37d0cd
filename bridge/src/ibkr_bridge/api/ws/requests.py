"""What callers send on the WebSockets, read and checked."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StrictInt, ValidationError

from ibkr_bridge.api.contracts import Words
from ibkr_bridge.api.errors import field, message
from ibkr_bridge.api.json import decode
from ibkr_bridge.api.text import PRINTABLE, Conid, Symbol, Word
from ibkr_bridge.domain.errors import InvalidRequest

T = TypeVar("T", bound=BaseModel)
Id = Annotated[str, Field(max_length=64, pattern=PRINTABLE)] | StrictInt


class StreamRequest(BaseModel):
    """On /ws/stream."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    action: Literal["subscribe", "unsubscribe"]
    channel: Literal["quotes", "bars", "depth"] = "quotes"
    id: Id | None = None
    symbol: Symbol | None = None
    symbols: Annotated[tuple[Symbol, ...], Field(max_length=200)] = ()
    conid: Conid | None = None
    sec_type: Word | None = None
    exchange: Word | None = None
    currency: Word | None = None
    primary_exchange: Word | None = None
    local_symbol: Symbol | None = None

    def contracts(self) -> tuple[Words, ...]:
        """Each contract named; one without any word is left for the engine's own refusal."""
        named = self.symbols if not self.symbol else (self.symbol, *self.symbols)
        if not named:
            return (self._words(None),)
        return tuple(self._words(symbol) for symbol in dict.fromkeys(named))

    def _words(self, symbol: str | None) -> Words:
        return Words(
            symbol=symbol,
            conid=self.conid,
            sec_type=self.sec_type,
            exchange=self.exchange,
            currency=self.currency,
            primary_exchange=self.primary_exchange,
            local_symbol=self.local_symbol,
        )


class Ping(BaseModel):
    """On both sockets."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["ping"]
    id: Id | None = None


def opened(text: str | bytes, limit: int) -> dict[str, Any]:
    """The message as an object. Raises InvalidRequest."""
    if len(text) > limit:
        raise InvalidRequest(f"A message may have {limit} bytes.", field="message")
    try:
        found = decode(text)
    except json.JSONDecodeError as error:
        raise InvalidRequest(f"The message is not JSON: {error.msg}", field="message") from error
    if not isinstance(found, dict):
        raise InvalidRequest("The message must be a JSON object.", field="message")
    return found


def checked(model: type[T], found: dict[str, Any]) -> T:
    """Raises InvalidRequest naming the first wrong field."""
    try:
        return model.model_validate(found)
    except ValidationError as error:
        item = error.errors(include_url=False, include_input=False)[0]
        name = field({**item, "loc": ("message", *_place(item["loc"]))})
        raise InvalidRequest(f"{name}: {message(item)}", field=name) from None


def _place(loc: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """Of a field that takes several types, without the name of the one that was tried."""
    return (*loc[:1], *(part for part in loc[1:] if isinstance(part, int)))
