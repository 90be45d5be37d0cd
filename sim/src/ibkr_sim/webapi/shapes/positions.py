"""Positions: thin at first, then with everything about the contract; and in the shape that is never cached."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from ibkr_sim.exchange.model import Contract, Position
from ibkr_sim.webapi.numbers import seconds
from ibkr_sim.webapi.shapes.contracts import definition


def thin(position: Position, contract: Contract) -> dict[str, Any]:
    """The 21 members of a first call."""
    return {
        "acctId": position.account,
        "conid": position.conid,
        "contractDesc": contract.local_symbol,
        "position": position.quantity,
        "mktPrice": position.market_price,
        "mktValue": position.market_value,
        "currency": contract.currency,
        "avgCost": position.average_cost,
        "avgPrice": position.average_cost,
        "realizedPnl": position.realized_pnl,
        "unrealizedPnl": position.unrealized_pnl,
        "exchs": None,
        "expiry": None,
        "putOrCall": None,
        "multiplier": None,
        "strike": 0.0,
        "exerciseStyle": None,
        "conExchMap": [],
        "assetClass": contract.sec_type,
        "undConid": 0,
        "model": "",
    }


def full(position: Position, contract: Contract, rate: Decimal, now: datetime) -> dict[str, Any]:
    """`rate` converts the contract's currency into the account's."""
    in_base = {
        "baseMktValue": position.market_value * rate,
        "baseMktPrice": position.market_price * rate,
        "baseAvgCost": position.average_cost * rate,
        "baseAvgPrice": position.average_cost * rate,
        "baseRealizedPnl": position.realized_pnl * rate,
        "baseUnrealizedPnl": position.unrealized_pnl * rate,
    }
    return {**thin(position, contract), **definition(contract, now), **in_base}


def near_real_time(position: Position, contract: Contract, now: datetime) -> dict[str, Any]:
    """A row of /portfolio2; the conid is text here."""
    return {
        "position": position.quantity,
        "conid": str(position.conid),
        "avgCost": position.average_cost,
        "avgPrice": position.average_cost,
        "currency": contract.currency,
        "description": contract.local_symbol,
        "isLastToLoq": False,
        "marketPrice": position.market_price,
        "marketValue": position.market_value,
        "realizedPnl": position.realized_pnl,
        "secType": contract.sec_type,
        "timestamp": seconds(now),
        "unrealizedPnl": position.unrealized_pnl,
        "assetClass": contract.sec_type,
        "sector": contract.industry or None,
        "group": contract.category or None,
        "model": "",
    }
