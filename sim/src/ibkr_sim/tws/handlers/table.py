"""Which handler answers which message id."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, TypeVar

from ibkr_sim.tws.answers.session import SYSTEM
from ibkr_sim.tws.fields import FieldReader
from ibkr_sim.tws.handlers import (
    accounts,
    advisors,
    contracts,
    executions,
    fundamentals,
    history,
    marketdata,
    news,
    options,
    orders,
    reference,
    scanners,
    streams,
)
from ibkr_sim.tws.handlers import session as basics
from ibkr_sim.tws.handlers.absent import ABSENT, refuse
from ibkr_sim.tws.handlers.read_only import refused
from ibkr_sim.tws.refusals import unreadable
from ibkr_sim.tws.requests import accounts as account_requests
from ibkr_sim.tws.requests import advisors as advisor_requests
from ibkr_sim.tws.requests import contracts as contract_requests
from ibkr_sim.tws.requests import fundamentals as fundamental_requests
from ibkr_sim.tws.requests import history as history_requests
from ibkr_sim.tws.requests import marketdata as quote_requests
from ibkr_sim.tws.requests import news as news_requests
from ibkr_sim.tws.requests import options as option_requests
from ibkr_sim.tws.requests import orders as order_requests
from ibkr_sim.tws.requests import reference as reference_requests
from ibkr_sim.tws.requests import scanners as scanner_requests
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
        10: _route(quote_requests.market_depth, streams.market_depth),
        11: _route(versioned, streams.cancel_market_depth),
        12: _route(switch, news.bulletins),
        13: _route(plain, news.cancel_bulletins),
        14: _route(plain, basics.accept),
        15: _route(switch, orders.auto_open_orders),
        16: _route(plain, orders.all_open_orders),
        17: _route(plain, basics.managed_accounts),
        18: _route(advisor_requests.advice_request, advisors.request_advice),
        19: _route(advisor_requests.advice_replacement, advisors.replace_advice),
        20: _route(history_requests.historical_data, history.historical_data),
        21: _route(option_requests.exercise, options.exercise),
        22: _route(scanner_requests.scanner_subscription, scanners.scanner_subscription),
        23: _route(versioned, scanners.cancel_scanner_subscription),
        24: _route(plain, scanners.scanner_parameters),
        25: _route(versioned, history.cancel_historical_data),
        49: _route(plain, basics.current_time),
        50: _route(history_requests.real_time_bars, streams.real_time_bars),
        51: _route(versioned, streams.cancel_real_time_bars),
        52: _route(fundamental_requests.fundamental_data, fundamentals.fundamental_data),
        54: _route(option_requests.calculation, options.implied),
        55: _route(option_requests.calculation, options.price),
        56: _route(versioned, options.cancelled),
        57: _route(versioned, options.cancelled),
        58: _route(plain, orders.global_cancel),
        59: _route(quote_requests.market_data_type, marketdata.market_data_type),
        61: _route(plain, accounts.positions),
        62: _route(account_requests.account_summary, accounts.account_summary),
        63: _route(versioned, accounts.cancel_account_summary),
        64: _route(plain, accounts.cancel_positions),
        67: _route(versioned, reference.display_groups),
        68: _route(reference_requests.group_subscription, reference.follow_group),
        69: _route(reference_requests.group_update, reference.update_group),
        70: _route(versioned, reference.leave_group),
        START_API: _route(plain, basics.accept),
        74: _route(account_requests.positions_multi, accounts.positions_multi),
        75: _route(versioned, accounts.cancel_positions_multi),
        76: _route(account_requests.account_updates_multi, accounts.account_updates_multi),
        77: _route(versioned, accounts.cancel_account_updates_multi),
        78: _route(option_requests.option_parameters, options.option_parameters),
        79: _route(identified, reference.soft_dollar_tiers),
        80: _route(plain, reference.family_codes),
        81: _route(contract_requests.matching_symbols, contracts.matching_symbols),
        82: _route(plain, reference.depth_exchanges),
        83: _route(reference_requests.smart_components, reference.smart_components),
        84: _route(news_requests.news_article, news.news_article),
        85: _route(plain, news.news_providers),
        86: _route(news_requests.historical_news, news.historical_news),
        87: _route(history_requests.head_timestamp, history.head_timestamp),
        88: _route(history_requests.histogram, history.histogram),
        89: _route(identified, history.answered),
        90: _route(identified, history.answered),
        91: _route(contract_requests.market_rule, contracts.market_rule),
        92: _route(account_requests.pnl, accounts.pnl),
        93: _route(identified, accounts.cancel_pnl),
        94: _route(account_requests.pnl_single, accounts.pnl_single),
        95: _route(identified, accounts.cancel_pnl_single),
        96: _route(history_requests.historical_ticks, history.historical_ticks),
        97: _route(quote_requests.tick_by_tick, streams.tick_by_tick),
        98: _route(identified, streams.cancel_tick_by_tick),
        99: _route(bare_switch, orders.completed_orders),
        104: _route(identified, basics.user_info),
        105: _route(plain, basics.current_time_in_millis),
    }
)


def dispatch(session: Session, payload: bytes) -> None:
    """Answer one frame. Raises Unreadable when it does not hold what its id promises."""
    fields = FieldReader(payload, session.version)
    message_id = fields.integer(default=SYSTEM)
    handler = HANDLERS.get(message_id)
    if handler is None:
        session.outlet.error(SYSTEM, *unreadable(f"Unknown message id {message_id}"))
    elif not refused(session, message_id, fields):
        handler(session, fields)
