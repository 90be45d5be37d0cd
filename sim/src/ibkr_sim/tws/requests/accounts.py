"""Requests about accounts, positions and profit."""

from __future__ import annotations

from dataclasses import dataclass

from ibkr_sim.tws.fields import FieldReader


@dataclass(frozen=True, slots=True)
class AccountUpdates:
    subscribe: bool
    account: str


@dataclass(frozen=True, slots=True)
class AccountSummary:
    request_id: int
    group: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MultiRequest:
    """Positions, account values or P&L of one account and model, under a request id."""

    request_id: int
    account: str
    model: str
    ledger_only: bool = False


@dataclass(frozen=True, slots=True)
class PnlSingle:
    request_id: int
    account: str
    model: str
    conid: int


def account_updates(fields: FieldReader) -> AccountUpdates:
    fields.skip(1)
    return AccountUpdates(fields.flag(), fields.text())


def account_summary(fields: FieldReader) -> AccountSummary:
    fields.skip(1)
    request_id, group, tags = fields.integer(), fields.text(), fields.text()
    return AccountSummary(request_id, group, tuple(tag.strip() for tag in tags.split(",") if tag.strip()))


def positions_multi(fields: FieldReader) -> MultiRequest:
    fields.skip(1)
    return MultiRequest(fields.integer(), fields.text(), fields.text())


def account_updates_multi(fields: FieldReader) -> MultiRequest:
    fields.skip(1)
    return MultiRequest(fields.integer(), fields.text(), fields.text(), fields.flag())


def pnl(fields: FieldReader) -> MultiRequest:
    return MultiRequest(fields.integer(), fields.text(), fields.text())


def pnl_single(fields: FieldReader) -> PnlSingle:
    return PnlSingle(fields.integer(), fields.text(), fields.text(), fields.integer())
