"""Any call of IBKR's Web API on behalf of a caller: prepared where IBKR wants it, asked again where it is thin."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ibkr_bridge.ports.clock import Clock
from ibkr_bridge.ports.upstream import RawAnswer
from ibkr_bridge.upstream.webapi import bodies, translate
from ibkr_bridge.upstream.webapi.errors import Answer
from ibkr_bridge.upstream.webapi.http import Call
from ibkr_bridge.upstream.webapi.wire import Wire

_LOOKS: Final = 3
_MOST_KNOWN: Final = 10_000
_CHARGED: Final = frozenset({"/md/regsnapshot"})
_HISTORY: Final = "/hmds/"
_OPENING: Final = Call("POST", "/hmds/auth/init", body={})
"""Historical data have a login of their own; until then they answer 404."""
_IDENTITY: Final = frozenset({"conid", "conidEx", "server_id"})


@dataclass(frozen=True, slots=True)
class _Shy:
    """Paths whose first answer in a session says little (Web API v1.0, the notes on each). `thin` knows such one."""

    path: re.Pattern[str]
    thin: Callable[[int, Any], bool]
    searched: bool = False
    """Whether the symbol must have been searched for before."""


class Raw:
    def __init__(self, wire: Wire, clock: Clock) -> None:
        self._wire = wire
        self._clock = clock
        self._warm: set[tuple[str, tuple[tuple[str, str], ...]]] = set()
        self._life = 0

    async def call(self, method: str, path: str, query: Mapping[str, str], body: object) -> RawAnswer:
        """Raises BrokerAway, BrokerSilent."""
        call = Call(method, path, query, body, charged=path in _CHARGED)
        if path.startswith(_HISTORY) and self._new(_OPENING):
            await self._wire.ask(_OPENING)
        answer = await self._wire.ask(call)
        shy = next((shy for shy in _SHY if shy.path.fullmatch(call.endpoint)), None)
        if shy is not None and self._new(call):
            answer = await self._again(call, shy, answer)
        return RawAnswer(answer.status, answer.text.encode(), answer.content_type)

    def _new(self, call: Call) -> bool:
        """Whether this session answers this call for the first time."""
        if self._life != self._wire.life or len(self._warm) > _MOST_KNOWN:
            self._life = self._wire.life
            self._warm.clear()
        key = (call.endpoint, tuple(sorted(call.query.items())))
        first = key not in self._warm
        self._warm.add(key)
        return first

    async def _again(self, call: Call, shy: _Shy, answer: Answer) -> Answer:
        for look in range(_LOOKS - 1):
            if not shy.thin(answer.status, _value(answer)):
                return answer
            if look == 0:
                await self._prepare(call, shy)
            await self._clock.sleep(self._wire.settings.step)
            answer = await self._wire.ask(call)
        return answer

    async def _prepare(self, call: Call, shy: _Shy) -> None:
        if shy.searched:
            told = await self._wire.ask(Call("GET", "/trsrv/secdef", {"conids": call.query.get("conid", "")}))
            for row in translate.rows(translate.mapping(_value(told)).get("secdef")):
                await self._wire.ask(Call("GET", "/iserver/secdef/search", {"symbol": str(row.get("ticker") or "")}))


def _value(answer: Answer) -> Any:
    try:
        return bodies.decode(answer.text)
    except ValueError:
        return None


def _lacks(member: str) -> Callable[[int, Any], bool]:
    """Rows without this member are the short ones."""
    return lambda status, value: status == 200 and any(member not in row for row in translate.rows(value))


def _nothing_in(member: str) -> Callable[[int, Any], bool]:
    return lambda status, value: status == 200 and not translate.mapping(value).get(member)


def _unpriced(status: int, value: Any) -> bool:
    return status == 200 and any(not row.keys() - _IDENTITY for row in translate.rows(value))


def _unsearched(status: int, value: Any) -> bool:
    if status == 200:
        told = translate.mapping(value)
        return bool(told) and not any(told.get(side) for side in ("call", "put"))
    return "init session first" in str(translate.mapping(value).get("error", "")).lower()


def _short_watchlist(status: int, value: Any) -> bool:
    rows = translate.rows(translate.mapping(value).get("instruments"))
    return status == 200 and any("ST" not in row and "H" not in row for row in rows)


_SHY: Final = (
    _Shy(re.compile(r"GET /iserver/marketdata/snapshot"), _unpriced),
    _Shy(re.compile(r"GET /iserver/secdef/(strikes|info)"), _unsearched, searched=True),
    _Shy(re.compile(r"GET /iserver/contract/\d+/algos"), _nothing_in("algos")),
    _Shy(re.compile(r"GET /iserver/watchlist"), _short_watchlist),
    _Shy(re.compile(r"GET /portfolio/[^/]+/positions?(/[^/]+)?"), _lacks("ticker")),
)
