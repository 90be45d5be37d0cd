"""A client as faults see it: what its messages are about, in both directions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from ibkr_sim.exchange.port import Market
from ibkr_sim.faults.moments import Ask, Request
from ibkr_sim.faults.ports import Kind, Message
from ibkr_sim.tws.answers.session import error
from ibkr_sim.tws.connection import Connection
from ibkr_sim.tws.session import Session
from ibkr_sim.tws.versions import ERROR_TIME

_KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        **dict.fromkeys(("1", "2", "12", "13", "45", "46", "50", "57", "90", "99"), Kind.QUOTE),
        "3": Kind.STATUS,
        "4": Kind.NOTICE,
        "5": Kind.ORDER,
        **dict.fromkeys(("6", "7", "8", "61", "63", "71", "73", "94", "95"), Kind.ACCOUNT),
        **dict.fromkeys(("9", "15", "49"), Kind.LOCAL),
        "11": Kind.EXECUTION,
        "59": Kind.COMMISSION,
        "101": Kind.COMPLETED,
    }
)


class _Places(NamedTuple):
    """At which fields of a message its ids stand."""

    order_id: int | None = None
    perm_id: int | None = None
    exec_id: int | None = None


_NOWHERE: Final = _Places()
_PLACES: Final[Mapping[Kind, _Places]] = MappingProxyType(
    {
        Kind.STATUS: _Places(order_id=1, perm_id=6),
        Kind.NOTICE: _Places(order_id=2),
        Kind.ORDER: _Places(order_id=1, perm_id=25),
        Kind.EXECUTION: _Places(order_id=2, perm_id=21, exec_id=14),
        Kind.COMMISSION: _Places(exec_id=2),
        Kind.COMPLETED: _Places(perm_id=23),
    }
)
_ASKS: Final[Mapping[str, Ask]] = MappingProxyType(
    {
        "1": Ask.QUOTE,
        "3": Ask.ORDER,
        **dict.fromkeys(("4", "58"), Ask.CANCEL),
        **dict.fromkeys(("8", "14", "17", "49", "59", "71"), Ask.LOCAL),
    }
)
_UNASKED: Final = "-1"
_LENGTH: Final = 4
"""Bytes before a frame's payload."""


class Visitor:
    """Stands from startApi until the connection ends."""

    def __init__(self, client_id: int, connection: Connection, market: Market) -> None:
        self.name = str(client_id)
        self._connection, self._market = connection, market
        self._session: Session | None = None

    def attach(self, session: Session) -> None:
        """Once it has been let in."""
        self._session = session

    @property
    def gone(self) -> bool:
        return self._connection.gone

    def deliver(self, frame: bytes) -> None:
        self._connection.send(frame)

    def cut(self, piece: bytes = b"") -> None:
        if piece:
            self._connection.send(piece)
        self._connection.part()

    def describe(self, frame: bytes) -> Message:
        fields = frame[_LENGTH:].decode("ascii").split("\0")
        kind = _KINDS.get(fields[0], Kind.OTHER)
        if kind is Kind.NOTICE and self._connection.version >= ERROR_TIME:
            fields.insert(1, "2")  # the message version, which later servers leave out
        places = _PLACES.get(kind, _NOWHERE)
        order_id = None if places.order_id is None else int(fields[places.order_id])
        exec_id = "" if places.exec_id is None else fields[places.exec_id]
        perm_id = self._perm_id(exec_id) if places.perm_id is None else int(fields[places.perm_id])
        asked = kind is Kind.EXECUTION and fields[1] != _UNASKED
        code = int(fields[3]) if kind is Kind.NOTICE else None
        return Message(kind, frame, order_id, perm_id, exec_id, code, asked)

    def notice(self, request_id: int, code: int, text: str) -> Message:
        frame = error(self._connection.version, request_id, code, text, self._market.now())
        return Message(Kind.NOTICE, frame, request_id, code=code)

    @property
    def port(self) -> int:
        return self._connection.port

    def quote_requests(self) -> Sequence[int]:
        return () if self._session is None else tuple(self._session.quotes.request_ids)

    def forget_quotes(self) -> None:
        if self._session is not None:
            self._session.forget_data()

    def renew_quotes(self) -> None:
        if self._session is not None:
            self._session.renew_data()

    def end_live_bars(self) -> Sequence[int]:
        return () if self._session is None else self._session.history.forget()

    def end_real_time_bars(self) -> Sequence[int]:
        return () if self._session is None else self._session.bars.forget()

    def request(self, payload: bytes, proceed: Callable[[], None]) -> Request:
        """A message before it is read; what is no message has the number -1."""
        number, *fields = payload[:64].decode("ascii", "replace").split("\0")
        ask = _ASKS.get(number, Ask.OTHER)
        request_id = int(fields[1]) if ask is Ask.QUOTE and len(fields) > 1 and fields[1].isdecimal() else None
        return Request(self, int(number) if number.isdecimal() and len(number) < 5 else -1, ask, request_id, proceed)

    def _perm_id(self, exec_id: str) -> int | None:
        if not exec_id:
            return None
        rows = (execution.perm_id for execution, _charge in self._market.executions() if execution.exec_id == exec_id)
        return next(rows, None)
