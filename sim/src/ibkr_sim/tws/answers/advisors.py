"""Messages about an advisor's configuration."""

from __future__ import annotations

from ibkr_sim.tws.fields import FieldWriter


def advice(version: int, kind: int, text: str) -> bytes:
    return FieldWriter(16, version).add(1, kind, text).frame()


def advice_replaced(version: int, request_id: int, text: str) -> bytes:
    return FieldWriter(103, version).add(request_id, text).frame()
