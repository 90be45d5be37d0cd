"""Orders and executions of ours in the Web API's two vocabularies: camelCase in lists, snake_case for a single one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from ibkr_bridge.api.json import exact
from ibkr_bridge.api.mirror.shapes.numbers import compact, dashed, grouped, milliseconds, plain, price
from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.domain.events import Executed
from ibkr_bridge.domain.order import Order, OrderStatus, Preview
from ibkr_bridge.domain.questions import Question
from ibkr_bridge.domain.terms import OrderType, Side, Terms

S = OrderStatus
_STATES: Final[Mapping[OrderStatus, str]] = {
    S.RECEIVED: "PendingSubmit",
    S.SENT: "PendingSubmit",
    S.WORKING: "Submitted",
    S.PARTIALLY_FILLED: "Submitted",
    S.PENDING_CANCEL: "PendingCancel",
    S.FILLED: "Filled",
    S.CANCELLED: "Cancelled",
    S.EXPIRED: "Cancelled",
    S.REJECTED: "Inactive",
    S.DENIED: "Inactive",
    S.NEVER_ARRIVED: "Inactive",
    S.AWAITING_ANSWER: "Inactive",
    S.UNKNOWN: "WarnState",
}
"""IBKR has no word for a fate that is not known; WarnState is never taken for an end."""
_NUMBERS: Final[Mapping[str, str]] = {"Filled": "2", "Cancelled": "4", "PendingCancel": "6", "Inactive": "8"}
_DESCRIPTIONS: Final[Mapping[str, str]] = {
    "Filled": "Order Filled",
    "Cancelled": "Order Cancelled",
    "Inactive": "Order Inactive",
    "PendingCancel": "Order Pending Cancel",
    "WarnState": "Order's fate is not known yet",
}
_TYPES: Final[Mapping[OrderType, str]] = {
    OrderType.LIMIT: "Limit",
    OrderType.MARKET: "Market",
    OrderType.STOP: "Stop",
    OrderType.STOP_LIMIT: "Stop Limit",
    OrderType.TRAIL: "Trailing Stop",
    OrderType.TRAIL_LIMIT: "Trailing Stop Limit",
    OrderType.MARKET_IF_TOUCHED: "Market If Touched",
    OrderType.LIMIT_IF_TOUCHED: "Limit If Touched",
    OrderType.MARKET_ON_CLOSE: "Market On Close",
    OrderType.LIMIT_ON_CLOSE: "Limit On Close",
    OrderType.MIDPRICE: "MidPrice",
    OrderType.RELATIVE: "Relative",
    OrderType.PEG_MID: "Pegged To Midpoint",
}
_CODES: Final[Mapping[OrderType, str]] = {
    OrderType.TRAIL_LIMIT: "TRAILLMT",
    OrderType.MARKET_IF_TOUCHED: "MIT",
    OrderType.LIMIT_IF_TOUCHED: "LIT",
    OrderType.MARKET_ON_CLOSE: "MOC",
    OrderType.LIMIT_ON_CLOSE: "LOC",
    OrderType.RELATIVE: "REL",
}
"""Where IBKR's word for a type in a row is not ours."""
_NEVER_THERE: Final = frozenset({S.DENIED, S.NEVER_ARRIVED, S.AWAITING_ANSWER})


def state(order: Order) -> str:
    return _STATES[order.status]


def at_ibkr(order: Order) -> bool:
    """Whether IBKR would list it."""
    return order.status not in _NEVER_THERE


def number(order: Order) -> int | str:
    """IBKR's order id; the perm id of an order placed elsewhere; ours as long as IBKR has given none."""
    if not order.broker:
        return order.id
    theirs = order.broker[0]
    return (theirs.perm_id if order.foreign else 0) or theirs.order_id or theirs.perm_id or order.id


def placed(order: Order) -> dict[str, Any]:
    """The answer to a new or changed order; here IBKR writes the id as text."""
    row: dict[str, Any] = {"order_id": str(number(order))}
    if order.client_order_id:
        row["local_order_id"] = order.client_order_id
    row |= {"order_status": state(order), "encrypt_message": "1"}
    if order.status is S.UNKNOWN:
        row["text"] = "IBKR has not answered yet. Do not send the order again; ask for its status."
    return row


def child(order: Order, parent: Order) -> dict[str, Any]:
    """IBKR tells of the children first."""
    if order.status is S.REJECTED:
        return failed(order.reason or "", "broker.refused")
    return placed(order) | {"parent_order_id": str(number(parent))}


def failed(text: str, code: str) -> dict[str, Any]:
    """An order of several that was not taken."""
    return {
        "order_id": "-1",
        "order_status": "Failed",
        "error": None,
        "warning_message": "-1",
        "text": f"Order couldn't be submitted: {text}",
        "code": code,
    }


def question(name: str, asked: Sequence[Question]) -> list[dict[str, Any]]:
    return [
        {
            "id": name,
            "message": [each.text for each in asked],
            "isSuppressed": False,
            "messageIds": [known for each in asked for known in each.ids],
            "messageOptions": ["Yes", "No"],
        }
    ]


def live_order(order: Order, parent: Order | None = None) -> dict[str, Any]:
    """One row of /iserver/account/orders; the children of one parent are a group."""
    contract, terms = order.contract, order.terms
    row = {
        "acct": order.account,
        "account": order.account,
        "conidex": conidex(contract),
        "conid": contract.conid,
        "orderId": number(order),
        "cashCcy": contract.currency,
        "sizeAndFills": _size_and_fills(order),
        "orderDesc": description(order, with_symbol=True),
        "description1": contract.local_symbol or contract.symbol,
        "ticker": contract.symbol,
        "secType": contract.sec_type,
        "listingExchange": contract.primary_exchange,
        "remainingQuantity": exact(order.remaining_qty),
        "filledQuantity": exact(order.filled_qty),
        "totalSize": exact(terms.qty),
        "companyName": contract.name,
        "status": state(order),
        "order_ccp_status": state(order),
        "bgColor": "#FFFFFF",
        "fgColor": "#000000",
        "origOrderType": _CODES.get(terms.type, terms.type.value),
        "supportsTaxOpt": "1",
        "lastExecutionTime": compact(order.updated_at),
        "orderType": _TYPES[terms.type],
        "isEventTrading": "0",
        "price": shown_price(terms, contract),
        "timeInForce": terms.tif.value,
        "lastExecutionTime_r": milliseconds(order.updated_at),
        "side": terms.side.value,
        "outsideRTH": terms.outside_rth,
    }
    if order.filled_qty and order.avg_fill_price is not None:
        row["avgPrice"] = price(order.avg_fill_price, contract)
    if order.client_order_id:
        row["order_ref"] = order.client_order_id
    if parent is not None:
        row |= {"parentId": number(parent), "ocaGroupId": str(number(parent))}
    elif terms.oca is not None:
        row["ocaGroupId"] = terms.oca.group
    if order.status in (S.CANCELLED, S.EXPIRED) and order.reason:
        row["order_cancellation_by_system_reason"] = order.reason
    return row


def conidex(contract: Contract) -> str:
    """A combo's names its legs, as it was ordered (Web API v1.0, "Combo Orders")."""
    if not contract.legs:
        return str(contract.conid)
    return f"{contract.conid};;;{','.join(f'{leg.contract.conid}/{leg.signed_ratio}' for leg in contract.legs)}"


def order_status(order: Order) -> dict[str, Any]:
    """What /iserver/account/order/status answers."""
    contract, terms, word = order.contract, order.terms, state(order)
    told, ended = description(order), order.status.terminal
    row = {
        "sub_type": None,
        "request_id": "0",
        "server_id": "0",
        "order_id": number(order),
        "conidex": conidex(contract),
        "conid": contract.conid,
        "symbol": contract.symbol,
        "side": _letter(terms.side),
        "contract_description_1": contract.local_symbol or contract.symbol,
        "listing_exchange": contract.primary_exchange,
        "option_acct": "c",
        "company_name": contract.name,
        "size": plain(order.remaining_qty),
        "total_size": plain(terms.qty),
        "currency": contract.currency,
        "account": order.account,
        "order_type": _CODES.get(terms.type, terms.type.value),
        "cum_fill": plain(order.filled_qty),
        "order_status": word,
        "order_ccp_status": _NUMBERS.get(word, "0"),
        "order_status_description": _DESCRIPTIONS.get(word, "Order Submitted"),
        "tif": terms.tif.value,
        "fg_color": "#000000",
        "bg_color": "#FFFFFF",
        "order_not_editable": ended,
        "editable_fields": "\u001e",
        "cannot_cancel_order": ended,
        "outside_rth": terms.outside_rth,
        "all_or_none": terms.all_or_none,
        "deactivate_order": False,
        "use_price_mgmt_algo": False,
        "sec_type": contract.sec_type,
        "available_chart_periods": "#R|1",
        "order_description": told,
        "order_description_with_contract": description(order, with_symbol=True),
        "clearing_id": "IB",
        "clearing_name": "IB",
        "alert_active": 1,
        "child_order_type": "0" if ended else "3",
        "order_clearing_account": order.account,
        "size_and_fills": _size_and_fills(order),
        "exit_strategy_display_price": shown_price(terms, contract),
        "exit_strategy_chart_description": told,
        "exit_strategy_tool_availability": "1",
        "allowed_duplicate_opposite": True,
        "order_time": compact(order.created_at),
    }
    return row | _status_prices(order)


def trade(executed: Executed, order: Order | None) -> dict[str, Any]:
    """One row of /iserver/account/trades."""
    contract, bought = executed.contract, executed.side is Side.BUY
    at, size = price(executed.price, contract), plain(executed.qty)
    row = {
        "execution_id": executed.exec_id,
        "symbol": contract.symbol,
        "supports_tax_opt": "1",
        "side": _letter(executed.side),
        "order_description": f"{'Bot' if bought else 'Sold'} {size} @ {at} on {executed.exchange}",
        "trade_time": dashed(executed.at),
        "trade_time_r": milliseconds(executed.at),
        "size": exact(executed.qty),
        "price": at,
        "exchange": executed.exchange,
        "net_amount": exact(executed.qty * executed.price),
        "account": executed.account,
        "accountCode": executed.account,
        "account_allocation_name": executed.account,
        "company_name": contract.name,
        "contract_description_1": contract.local_symbol or contract.symbol,
        "sec_type": contract.sec_type,
        "listing_exchange": contract.primary_exchange,
        "conid": contract.conid,
        "conidEx": str(contract.conid),
        "order_id": number(order) if order else executed.broker.perm_id or executed.broker.order_id,
    }
    if order is not None:
        row |= {"order_ref": order.client_order_id} if order.client_order_id else {}
        charged = next((fill.commission for fill in order.fills if fill.exec_id == executed.exec_id), None)
        row |= {"commission": plain(charged)} if charged is not None else {}
    return row


def preview(contract: Contract, terms: Terms, reckoned: Preview, held: Decimal) -> dict[str, Any]:
    """What /iserver/account/{account}/orders/whatif answers, as text; `held` is the position before it."""
    at = terms.limit or terms.stop
    amount = None if at is None else at * terms.qty
    fee = reckoned.commission
    change = terms.qty if terms.side is Side.BUY else -terms.qty
    total = None if amount is None or fee is None else amount + fee
    return {
        "amount": {
            "amount": amount and f"{amount:,.2f} {contract.currency} ({plain(terms.qty)} Shares)",
            "commission": fee and f"{plain(fee)} {reckoned.commission_currency or ''}".strip(),
            "total": total and f"{total:,.2f} {contract.currency}",
        },
        "equity": _line(reckoned.equity_before, reckoned.equity_change, reckoned.equity_after),
        "initial": _line(reckoned.initial_margin_before, reckoned.initial_margin_change, reckoned.initial_margin_after),
        "maintenance": _line(
            reckoned.maintenance_margin_before, reckoned.maintenance_margin_change, reckoned.maintenance_margin_after
        ),
        "position": {"current": plain(held), "change": plain(change), "after": plain(held + change)},
        "warn": reckoned.warning,
        "error": None,
    }


def no_preview(text: str) -> dict[str, Any]:
    """An order that IBKR would refuse; the status is 200 all the same."""
    nothing = _line(None, None, None)
    return {
        "amount": dict.fromkeys(("amount", "commission", "total")),
        **dict.fromkeys(("equity", "initial", "maintenance", "position"), nothing),
        "warn": None,
        "error": text,
    }


def description(order: Order, *, with_symbol: bool = False) -> str:
    """`Buy 1 SPY Limit 457.00, GTC`; `Bought` once it has filled."""
    terms, done = order.terms, order.status is S.FILLED
    verb = ("Bought" if done else "Buy") if terms.side is Side.BUY else ("Sold" if done else "Sell")
    at = shown_price(terms, order.contract)
    parts = [verb, plain(terms.qty), order.contract.symbol if with_symbol else "", _TYPES[terms.type], at]
    text = f"{' '.join(part for part in parts if part)}, {'Day' if terms.tif.value == 'DAY' else terms.tif.value}"
    return f"Cancelled: {text}" if order.status is S.CANCELLED else text


def shown_price(terms: Terms, contract: Contract) -> str:
    """The limit, else the stop; empty for a market order."""
    at = terms.limit if terms.limit is not None else terms.stop
    return "" if at is None else price(at, contract)


def _status_prices(order: Order) -> dict[str, Any]:
    row: dict[str, Any] = {}
    if order.terms.limit is not None:
        row["limit_price"] = price(order.terms.limit, order.contract)
    if order.terms.stop is not None:
        row["stop_price"] = price(order.terms.stop, order.contract)
    if order.filled_qty and order.avg_fill_price is not None:
        row["average_price"] = price(order.avg_fill_price, order.contract)
    return row


def _size_and_fills(order: Order) -> str:
    total = plain(order.terms.qty)
    return total if order.status is S.FILLED else f"{plain(order.filled_qty)}/{total}"


def _letter(side: Side) -> str:
    return "B" if side is Side.BUY else "S"


def _line(current: Decimal | None, change: Decimal | None, after: Decimal | None) -> dict[str, str | None]:
    return {
        name: None if value is None else grouped(value)
        for name, value in (("current", current), ("change", change), ("after", after))
    }
