"""Transactions of an account in one contract, and what they have realised (Web API: "Transaction History")."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from ibkr_sim.exchange.model import Contract, Side
from ibkr_sim.webapi.answers import refusal
from ibkr_sim.webapi.call import Call, Route
from ibkr_sim.webapi.numbers import milliseconds
from ibkr_sim.webapi.ordering.tradebook import Trade
from ibkr_sim.webapi.pacing import Limit
from ibkr_sim.webapi.resources.contracts import rate
from ibkr_sim.webapi.resources.research.performance import local_now, named_accounts

USUAL, MOST = 90, 3650
"""Days."""
NEW_YORK: Final = ZoneInfo("America/New_York")
_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_CENTS: Final = Decimal("0.0001")


def routes() -> list[Route]:
    return [Route("POST", "/pa/transactions", transactions, limit=Limit("/pa/transactions", 1, 900))]


def transactions(call: Call) -> Any:
    """Of the first of the contracts that are named: IBKR takes no more than one."""
    contract = _contract(call)
    accounts, days = named_accounts(call), _days(call)
    currency = str(call.member("currency") or "USD")
    fx = rate(call, contract.currency, currency)
    today = local_now(call).date()
    trades = [
        trade
        for trade in call.house.trades.since(today - timedelta(days=days))
        if trade.execution.account in accounts and trade.execution.conid == contract.conid
    ]
    return {
        "rc": 0,
        "nd": days + 1,
        "rpnl": _realized(call, trades, contract, fx),
        "currency": currency,
        "from": _midnight(today - timedelta(days=days)),
        "id": "getTransactions",
        "to": _midnight(today),
        "includesRealTime": True,
        "transactions": [_told(call.house.trades.day(trade), trade, contract, fx) for trade in trades],
    }


def _contract(call: Call) -> Contract:
    """Raises Refused (400) for none."""
    conids = call.member("conids")
    contract = call.contract(str(conids[0])) if isinstance(conids, list) and conids else None
    if contract is None:
        raise refusal(400, "Bad Request: conids are not valid")
    return contract


def _days(call: Call) -> int:
    days = call.member("days")
    if days is None:
        return USUAL
    text = str(days)
    if not text.isdecimal() or not 0 < int(text[:9]) <= MOST:
        raise refusal(400, "Bad Request: days are not valid")
    return int(text)


def _told(day: date, trade: Trade, contract: Contract, fx: Decimal) -> dict[str, Any]:
    """Sales have a quantity below 0; an amount is what the cash has grown by, before commission."""
    execution = trade.execution
    quantity = execution.shares if execution.side is Side.BUY else -execution.shares
    return {
        "cur": contract.currency,
        "date": _written(day),
        "rawDate": f"{day:%Y%m%d}",
        "fxRate": fx,
        "pr": execution.price,
        "qty": quantity,
        "acctid": execution.account,
        "amt": -quantity * execution.price,
        "conid": contract.conid,
        "type": "Buy" if execution.side is Side.BUY else "Sell",
        "desc": contract.long_name,
    }


def _realized(call: Call, trades: Sequence[Trade], contract: Contract, fx: Decimal) -> dict[str, Any]:
    """By day and account; losses are told as `L`, with an amount below 0."""
    sums: dict[tuple[date, str], Decimal] = {}
    for trade in trades:
        profit = trade.commission.realized_pnl if trade.commission else None
        if profit is not None:
            key = call.house.trades.day(trade), trade.execution.account
            sums[key] = sums.get(key, Decimal(0)) + profit
    rows = [
        {
            "date": f"{day:%Y%m%d}",
            "cur": contract.currency,
            "fxRate": fx,
            "side": "G" if amount >= 0 else "L",
            "acctid": account,
            "amt": f"{amount.quantize(_CENTS)}",
            "conid": str(contract.conid),
        }
        for (day, account), amount in sums.items()
    ]
    total = sum(sums.values(), Decimal(0)) * fx
    return {"data": rows, "amt": f"{total.quantize(_CENTS) if rows else Decimal('0.0')}"}


def _written(day: date) -> str:
    """`Tue Mar 31 00:00:00 EDT 2026`: midnight, in New York's words."""
    midnight = datetime.combine(day, time.min, NEW_YORK)
    return f"{_WEEKDAYS[day.weekday()]} {_MONTHS[day.month - 1]} {day:%d} 00:00:00 {midnight:%Z %Y}"


def _midnight(day: date) -> int:
    return milliseconds(datetime.combine(day, time.min, UTC))
