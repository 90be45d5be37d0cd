"""Messages about the market as a whole, and about the windows of TWS."""

from __future__ import annotations

from collections.abc import Sequence

from ibkr_sim.tws.fields import FieldWriter

_SERVICE, _AGGREGATE_GROUP = "Deep", 1


def depth_exchanges(version: int, rows: Sequence[tuple[str, str]]) -> bytes:
    """Exchange and security type; an empty group would be no number to clients that read one."""
    writer = FieldWriter(80, version).add(len(rows))
    for exchange, sec_type in rows:
        writer.add(exchange, sec_type, "", _SERVICE, _AGGREGATE_GROUP)
    return writer.frame()


def smart_components(version: int, request_id: int, rows: Sequence[tuple[int, str, str]]) -> bytes:
    """Bit, exchange, letter."""
    writer = FieldWriter(82, version).add(request_id, len(rows))
    for row in rows:
        writer.add(*row)
    return writer.frame()


def family_codes(version: int, accounts: Sequence[str], code: str) -> bytes:
    """Accounts that belong to no family have an empty code."""
    writer = FieldWriter(78, version).add(len(accounts))
    for account in accounts:
        writer.add(account, code)
    return writer.frame()


def fundamental_data(version: int, request_id: int, report: str) -> bytes:
    return FieldWriter(51, version).add(1, request_id, report).frame()


def display_groups(version: int, request_id: int, groups: Sequence[int]) -> bytes:
    return FieldWriter(67, version).add(1, request_id, "|".join(map(str, groups))).frame()


def display_group_updated(version: int, request_id: int, contract: str) -> bytes:
    return FieldWriter(68, version).add(1, request_id, contract).frame()
