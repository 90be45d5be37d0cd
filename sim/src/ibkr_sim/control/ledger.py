"""The exchange's books as JSON; every amount is a string, so that no digit is lost on the way."""

from __future__ import annotations

from typing import Any

from ibkr_sim.exchange.model import Commission, Execution, Order, Position
from ibkr_sim.exchange.port import Market


def ledger(market: Market) -> dict[str, Any]:
    orders = [*market.completed_orders(), *market.open_orders()]
    return {
        "as_of": market.now().isoformat(),
        "accounts": [_account(market, account) for account in market.accounts],
        "orders": [_order(market, order) for order in orders],
        "executions": [_execution(market, *row) for row in market.executions()],
    }


def _account(market: Market, account: str) -> dict[str, Any]:
    cash = [row for row in market.account_values(account) if row.key == "CashBalance"]
    return {
        "account": account,
        "net_liquidation": str(market.net_liquidation(account)),
        "cash": {row.currency: row.value for row in cash},
        "positions": [_position(market, position) for position in market.positions(account)],
    }


def _symbol(market: Market, conid: int) -> str:
    contract = market.contract(conid)
    return contract.symbol if contract else ""


def _position(market: Market, position: Position) -> dict[str, Any]:
    return {
        "conid": position.conid,
        "symbol": _symbol(market, position.conid),
        "quantity": str(position.quantity),
        "average_cost": str(position.average_cost),
        "market_price": str(position.market_price),
        "market_value": str(position.market_value),
        "unrealized_pnl": str(position.unrealized_pnl),
        "realized_pnl": str(position.realized_pnl),
    }


def _order(market: Market, order: Order) -> dict[str, Any]:
    request = order.request
    return {
        "perm_id": order.perm_id,
        "client_id": request.client_id,
        "order_id": request.order_id,
        "account": request.account,
        "conid": request.conid,
        "symbol": _symbol(market, request.conid),
        "side": request.side.value,
        "quantity": str(request.quantity),
        "order_type": request.order_type,
        "tif": request.tif,
        "limit_price": None if request.limit_price is None else str(request.limit_price),
        "stop_price": None if request.stop_price is None else str(request.stop_price),
        "order_ref": request.order_ref,
        "status": order.status.value,
        "filled": str(order.filled),
        "average_price": str(order.average_price),
        "commission": None if order.commission is None else str(order.commission),
    }


def _execution(market: Market, execution: Execution, commission: Commission) -> dict[str, Any]:
    return {
        "exec_id": execution.exec_id,
        "perm_id": execution.perm_id,
        "account": execution.account,
        "conid": execution.conid,
        "symbol": _symbol(market, execution.conid),
        "side": execution.side.value,
        "shares": str(execution.shares),
        "price": str(execution.price),
        "time": execution.time.isoformat(),
        "commission": str(commission.amount),
        "currency": commission.currency,
        "realized_pnl": None if commission.realized_pnl is None else str(commission.realized_pnl),
    }
