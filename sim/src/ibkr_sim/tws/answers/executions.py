"""Messages about fills: executions and their commissions."""

from __future__ import annotations

from ibkr_sim.exchange.model import Commission, Contract, Execution, Side
from ibkr_sim.tws.answers.contracts import contract_fields
from ibkr_sim.tws.fields import UNSET_DOUBLE, FieldWriter
from ibkr_sim.tws.versions import PENDING_PRICE_REVISION, SUBMITTER

UNASKED = -1
"""The request id of an execution reported as it happens."""


def execution_details(version: int, request_id: int, contract: Contract, execution: Execution, time: str) -> bytes:
    writer = FieldWriter(11, version).add(request_id, execution.order_id)
    writer.add(*contract_fields(contract, execution.exchange), execution.exec_id, time, execution.account)
    writer.add(execution.exchange, "BOT" if execution.side is Side.BUY else "SLD", execution.shares, execution.price)
    writer.add(
        execution.perm_id,
        execution.client_id,
        int(execution.liquidation),
        execution.cumulative,
        execution.average_price,
    )
    writer.add(execution.order_ref, "", "", "", execution.liquidity)
    return writer.since(PENDING_PRICE_REVISION, 0).since(SUBMITTER, "").frame()


def execution_details_end(version: int, request_id: int) -> bytes:
    return FieldWriter(55, version).add(1, request_id).frame()


def commission_report(version: int, commission: Commission) -> bytes:
    profit = UNSET_DOUBLE if commission.realized_pnl is None else commission.realized_pnl
    writer = FieldWriter(59, version).add(1, commission.exec_id, commission.amount, commission.currency)
    return writer.add(profit, UNSET_DOUBLE, "").frame()
