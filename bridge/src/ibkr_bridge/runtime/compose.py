"""From settings to a machine, a hub and an application."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import FastAPI

from ibkr_bridge.api.app import create_app
from ibkr_bridge.api.ws.messages import encode
from ibkr_bridge.calendars.exchange import ExchangeCalendar
from ibkr_bridge.config.settings import GuardSettings, Settings
from ibkr_bridge.engine.engine import Machine
from ibkr_bridge.engine.settings import EngineSettings
from ibkr_bridge.guards.verdict import Limits
from ibkr_bridge.hub.hub import Hub
from ibkr_bridge.ports.clock import Clock
from ibkr_bridge.ports.journal import Journal
from ibkr_bridge.ports.upstream import Admission, Upstream
from ibkr_bridge.upstream.tws.wire import TwsSettings

_MARKET_DATA_TYPES = {"live": 1, "frozen": 2, "delayed": 3, "delayed_frozen": 4}


@dataclass(frozen=True, slots=True)
class House:
    machine: Machine
    hub: Hub
    app: FastAPI
    journal: Journal


def compose(settings: Settings, admit: Admission, clock: Clock, journal: Journal) -> House:
    """Time, chance and the journal are handed in, so that a test can own them."""
    hub = Hub(encode)
    upstream = _upstream(settings, clock, admit)
    machine = Machine(upstream, journal, hub, ExchangeCalendar(), clock, _engine(settings))
    app = create_app(machine.engine, hub, settings.api)
    return House(machine, hub, app, journal)


def _upstream(settings: Settings, clock: Clock, admit: Admission) -> Upstream:
    """The other door is loaded only where it is used: each brings libraries of its own."""
    if settings.upstream.door == "tws":
        from ibkr_bridge.upstream.tws.adapter import TwsUpstream  # noqa: PLC0415  as said

        return TwsUpstream(_tws(settings), clock, admit)
    from ibkr_bridge.runtime.webapi import webapi  # noqa: PLC0415  as said

    return webapi(settings, clock, admit)


def _tws(settings: Settings) -> TwsSettings:
    return TwsSettings(
        host=settings.tws.host,
        port=settings.tws.port,
        client_id=settings.tws.client_id,
        connect_timeout=settings.tws.connect_timeout,
        request_timeout=settings.tws.request_timeout,
        market_data_type=_MARKET_DATA_TYPES[settings.tws.market_data_type],
    )


def _engine(settings: Settings) -> EngineSettings:
    return EngineSettings(
        world=settings.trading.world,
        read_only=settings.trading.read_only,
        allow_live=settings.trading.allow_live,
        account=settings.tws.account,
        first_word_timeout=settings.trading.first_word_timeout,
        limits=_limits(settings.guards),
        never_arrived_after=settings.trading.never_arrived_after,
        inquiry_interval=settings.trading.inquiry_interval,
        broker_time_zone=settings.trading.tws_time_zone,
        policy=settings.trading.policy,
        answer_timeout=settings.trading.answer_timeout,
        interruptions=settings.trading.interruptions,
        reconcile_interval=settings.trading.reconcile_interval,
        settling=settings.trading.settling,
        regulatory_snapshots_per_day=settings.webapi.regulatory_snapshots_per_day,
    )


def _limits(guards: GuardSettings) -> Limits:
    """0 and empty switch a guard off."""
    return Limits(
        base_currency=guards.base_currency,
        max_order_value=guards.max_order_value or None,
        max_rate_age=guards.max_rate_age,
        allow_market_orders=guards.allow_market_orders,
        market_hours=guards.market_hours,
        max_quantity=guards.max_quantity or None,
        price_collar_percent=guards.price_collar_percent or None,
        max_quote_age=guards.max_quote_age,
        orders_per_minute=guards.orders_per_minute or None,
        open_orders_per_side=guards.open_orders_per_side or None,
        max_position=guards.max_position or None,
        max_exposure=guards.max_exposure or None,
        allowed_symbols=frozenset(guards.allowed_symbols),
        denied_symbols=frozenset(guards.denied_symbols),
        repeat_seconds=guards.repeat_seconds,
        reset_margin=guards.reset_margin,
    )
