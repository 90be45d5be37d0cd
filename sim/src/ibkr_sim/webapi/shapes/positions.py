"""Positions: thin at first, then with everything about the contract; and in the shape that is never cached."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from ibkr_sim.exchange.model import Contract, Position
from ibkr_sim.webapi.numbers import seconds
from ibkr_sim.webapi.shapes.contracts import day, definition, full_name


def thin(position: Position, contract: Contract) -> dict[str, Any]:
    """The 21 members of a first call."""
    return {
        "acctId": position.account,
        "conid": position.conid,
        "contractDesc": full_name(contract),
        "position": position.quantity,
        "mktPrice": position.market_price,
        "mktValue": position.market_value,
        "currency": contract.currency,
        "avgCost": position.average_cost,
        "avgPrice": position.average_cost / contract.factor,
        "realizedPnl": position.realized_pnl,
        "unrealizedPnl": position.unrealized_pnl,
        "exchs": None,
        "expiry": day(contract),
        "putOrCall": contract.right or None,
        "multiplier": float(contract.multiplier) if contract.multiplier else None,
        "strike": float(contract.strike or 0),
        "exerciseStyle": ("A" if contract.american else "E") if contract.is_option else None,
        "conExchMap": [],
        "assetClass": contract.sec_type,
        "undConid": contract.under_conid,
        "model": "",
    }


def full(position: Position, contract: Contract, rate: Decimal, now: datetime) -> dict[str, Any]:
    """`rate` converts the contract's currency into the account's."""
    in_base = {
        "baseMktValue": position.market_value * rate,
        "baseMktPrice": position.market_price * rate,
        "baseAvgCost": position.average_cost * rate,
        "baseAvgPrice": position.average_cost / contract.factor * rate,
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
        "avgPrice": position.average_cost / contract.factor,
        "currency": contract.currency,
        "description": full_name(contract),
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
