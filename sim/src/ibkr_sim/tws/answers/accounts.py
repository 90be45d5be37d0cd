"""Messages about accounts: values, portfolio, positions, profit."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from ibkr_sim.exchange.model import AccountValue, Contract, Pnl, Position
from ibkr_sim.tws.answers.contracts import contract_fields
from ibkr_sim.tws.fields import FieldWriter

_DERIVATIVES: Final = frozenset({"OPT", "FUT", "FOP"})


def account_value(version: int, row: AccountValue) -> bytes:
    return FieldWriter(6, version).add(2, row.key, row.value, row.currency, row.account).frame()


def portfolio_value(version: int, contract: Contract, position: Position) -> bytes:
    writer = FieldWriter(7, version).add(8, *contract_fields(contract, contract.primary_exchange))
    writer.add(position.quantity, position.market_price, position.market_value, position.average_cost)
    return writer.add(position.unrealized_pnl, position.realized_pnl, position.account).frame()


def account_update_time(version: int, local: datetime) -> bytes:
    return FieldWriter(8, version).add(1, local.strftime("%H:%M")).frame()


def account_download_end(version: int, account: str) -> bytes:
    return FieldWriter(54, version).add(1, account).frame()


def account_update_multi(version: int, request_id: int, model: str, row: AccountValue) -> bytes:
    return FieldWriter(73, version).add(1, request_id, row.account, model, row.key, row.value, row.currency).frame()


def account_update_multi_end(version: int, request_id: int) -> bytes:
    return FieldWriter(74, version).add(1, request_id).frame()


def account_summary(version: int, request_id: int, row: AccountValue) -> bytes:
    return FieldWriter(63, version).add(1, request_id, row.account, row.key, row.value, row.currency).frame()


def account_summary_end(version: int, request_id: int) -> bytes:
    return FieldWriter(64, version).add(1, request_id).frame()


def position(version: int, contract: Contract, held: Position) -> bytes:
    writer = FieldWriter(61, version).add(3, held.account, *contract_fields(contract, _exchange(contract)))
    return writer.add(held.quantity, held.average_cost).frame()


def _exchange(contract: Contract) -> str:
    """Seen of live servers: positions in derivatives name none."""
    return "" if contract.sec_type in _DERIVATIVES else contract.primary_exchange


def position_end(version: int) -> bytes:
    return FieldWriter(62, version).add(1).frame()


def position_multi(version: int, request_id: int, model: str, contract: Contract, held: Position) -> bytes:
    writer = FieldWriter(71, version).add(1, request_id, held.account)
    writer.add(*contract_fields(contract, _exchange(contract)))
    return writer.add(held.quantity, held.average_cost, model).frame()


def position_multi_end(version: int, request_id: int) -> bytes:
    return FieldWriter(72, version).add(1, request_id).frame()


def pnl(version: int, request_id: int, profit: Pnl) -> bytes:
    return FieldWriter(94, version).add(request_id, profit.daily, profit.unrealized, profit.realized).frame()


def pnl_single(version: int, request_id: int, held: Position) -> bytes:
    writer = FieldWriter(95, version).add(request_id, held.quantity, held.daily_pnl)
    return writer.add(held.unrealized_pnl, held.realized_pnl, held.market_value).frame()
