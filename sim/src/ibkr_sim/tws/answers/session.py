"""Messages about the connection: accounts, ids, errors, time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ibkr_sim.tws.fields import FieldWriter, ascii_text
from ibkr_sim.tws.framing import frame
from ibkr_sim.tws.versions import ADVANCED_REJECT, ERROR_TIME

SYSTEM = -1
"""The id of an error that answers no request."""


def greeting(version: int, now: str) -> bytes:
    return frame(f"{version}\0{ascii_text(now)}\0".encode("ascii"))


def managed_accounts(version: int, accounts: Sequence[str]) -> bytes:
    return FieldWriter(15, version).add(1, ",".join(accounts)).frame()


def next_valid_id(version: int, order_id: int) -> bytes:
    return FieldWriter(9, version).add(1, order_id).frame()


def error(version: int, request_id: int, code: int, text: str, now: datetime) -> bytes:
    """A backslash is doubled: IBKR's clients read the text as escapes."""
    writer = FieldWriter(4, version).before(ERROR_TIME, 2).add(request_id, code, text.replace("\\", "\\\\"))
    return writer.since(ADVANCED_REJECT, "").since(ERROR_TIME, _milliseconds(now)).frame()


def current_time_in_millis(version: int, now: datetime) -> bytes:
    return FieldWriter(109, version).add(_milliseconds(now)).frame()


def current_time(version: int, now: datetime) -> bytes:
    return FieldWriter(49, version).add(1, int(now.timestamp())).frame()


def empty_list(message_id: int, version: int, *leading: int) -> bytes:
    """A list message without items: there is none of it here."""
    return FieldWriter(message_id, version).add(*leading, 0).frame()


def user_info(version: int, request_id: int) -> bytes:
    return FieldWriter(107, version).add(request_id, "").frame()


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
