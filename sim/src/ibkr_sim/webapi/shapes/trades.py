"""Executions as trades (Web API: "Trades")."""

from __future__ import annotations

from typing import Any

from ibkr_sim.exchange.model import Contract, Side
from ibkr_sim.webapi.numbers import dashed, milliseconds, price, quantity
from ibkr_sim.webapi.ordering.tradebook import Trade
from ibkr_sim.webapi.shapes.contracts import described
from ibkr_sim.webapi.shapes.orders import side_letter
from ibkr_sim.webapi.spreads import conidex, shown_conid


def trade(row: Trade, contract: Contract, username: str) -> dict[str, Any]:
    """The commission is left out until it is known, as on the topic `str`."""
    execution = row.execution
    at = price(execution.price, contract)
    verb = "Bot" if execution.side is Side.BUY else "Sold"
    told = {
        "execution_id": execution.exec_id,
        "symbol": contract.symbol,
        "supports_tax_opt": "1",
        "side": side_letter(execution.side),
        "order_description": f"{verb} {quantity(execution.shares)} @ {at} on {execution.exchange}",
        "trade_time": dashed(execution.time),
        "trade_time_r": milliseconds(execution.time),
        "size": float(execution.shares),
        "price": at,
    }
    if execution.order_ref:
        told["order_ref"] = execution.order_ref
    told |= {"submitter": username, "exchange": execution.exchange}
    if row.commission is not None:
        told["commission"] = f"{float(row.commission.amount)}"
    return told | {
        "net_amount": float(execution.shares * execution.price * contract.factor),
        "account": execution.account,
        "accountCode": execution.account,
        "account_allocation_name": execution.account,
        "company_name": contract.long_name,
        "contract_description_1": contract.local_symbol,
        "sec_type": contract.sec_type,
        "listing_exchange": contract.primary_exchange,
        "conid": shown_conid(contract),
        "conidEx": conidex(contract),
        "position": quantity(row.position),
        "clearing_id": "IB",
        "clearing_name": "IB",
        "open_close": "???",
        "liquidation_trade": str(int(execution.liquidation)),
        "is_event_trading": "0",
        "order_id": execution.perm_id,
        **({"contract_description_2": described(contract)} if contract.expiry else {}),
    }
