"""Which handler answers which message id."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, TypeVar

from ibkr_sim.tws.answers.session import SYSTEM
from ibkr_sim.tws.fields import FieldReader
from ibkr_sim.tws.handlers import accounts, contracts, executions, marketdata, orders
from ibkr_sim.tws.handlers import session as basics
from ibkr_sim.tws.handlers.absent import ABSENT, refuse
from ibkr_sim.tws.refusals import unreadable
from ibkr_sim.tws.requests import accounts as account_requests
from ibkr_sim.tws.requests import contracts as contract_requests
from ibkr_sim.tws.requests import marketdata as quote_requests
from ibkr_sim.tws.requests import orders as order_requests
from ibkr_sim.tws.requests.session import bare_switch, identified, plain, switch, versioned
from ibkr_sim.tws.session import Session

START_API: Final = 71

Request = TypeVar("Request")
Handler = Callable[[Session, FieldReader], None]


def _route(read: Callable[[FieldReader], Request], answer: Callable[[Session, Request], None]) -> Handler:
    return lambda session, fields: answer(session, read(fields))


HANDLERS: Final[Mapping[int, Handler]] = MappingProxyType(
    {number: refuse(absent) for number, absent in ABSENT.items()}
    | {
        1: _route(quote_requests.market_data, marketdata.market_data),
        2: _route(versioned, marketdata.cancel_market_data),
        3: _route(order_requests.place_order, orders.place_order),
        4: _route(order_requests.cancel_order, orders.cancel_order),
        5: _route(plain, orders.open_orders),
        6: _route(account_requests.account_updates, accounts.account_updates),
        7: _route(order_requests.executions, executions.executions),
        8: _route(plain, basics.ids),
        9: _route(contract_requests.contract_details, contracts.contract_details),
        12: _route(plain, basics.accept),
        13: _route(plain, basics.accept),
        14: _route(plain, basics.accept),
        15: _route(switch, basics.auto_open_orders),
        16: _route(plain, orders.all_open_orders),
        17: _route(plain, basics.managed_accounts),
        49: _route(plain, basics.current_time),
        58: _route(plain, orders.global_cancel),
        59: _route(quote_requests.market_data_type, marketdata.market_data_type),
        61: _route(plain, accounts.positions),
        62: _route(account_requests.account_summary, accounts.account_summary),
        63: _route(versioned, accounts.cancel_account_summary),
        64: _route(plain, accounts.cancel_positions),
        START_API: _route(plain, basics.accept),
        74: _route(account_requests.positions_multi, accounts.positions_multi),
        75: _route(versioned, accounts.cancel_positions_multi),
        76: _route(account_requests.account_updates_multi, accounts.account_updates_multi),
        77: _route(versioned, accounts.cancel_account_updates_multi),
        78: _route(identified, basics.option_parameters),
        79: _route(identified, basics.soft_dollar_tiers),
        80: _route(plain, basics.family_codes),
        81: _route(contract_requests.matching_symbols, contracts.matching_symbols),
        82: _route(plain, basics.depth_exchanges),
        83: _route(identified, basics.smart_components),
        85: _route(plain, basics.news_providers),
        91: _route(contract_requests.market_rule, contracts.market_rule),
        92: _route(account_requests.pnl, accounts.pnl),
        93: _route(identified, accounts.cancel_pnl),
        94: _route(account_requests.pnl_single, accounts.pnl_single),
        95: _route(identified, accounts.cancel_pnl_single),
        99: _route(bare_switch, orders.completed_orders),
        104: _route(identified, basics.user_info),
    }
)


def dispatch(session: Session, payload: bytes) -> None:
    """Answer one frame. Raises Unreadable when it does not hold what its id promises."""
    fields = FieldReader(payload, session.version)
    message_id = fields.integer(default=SYSTEM)
    handler = HANDLERS.get(message_id)
    if handler is None:
        session.outlet.error(SYSTEM, *unreadable(f"Unknown message id {message_id}"))
    else:
        handler(session, fields)
