"""An exchange on a clock that stands still until a test moves it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from ibkr_sim.clock import Clock
from ibkr_sim.exchange.exchange import Exchange
from ibkr_sim.exchange.model import Event, Executed, Execution, Order, OrderRequest, Quote, Side
from ibkr_sim.exchange.settings import ExchangeSettings

AAPL = 265598
START = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


class Trial:
    """One exchange, its clock, and every event since it opened."""

    dollars, francs = "DU9912345", "DU9967890"

    def __init__(self, settings: ExchangeSettings | None = None, start: datetime = START) -> None:
        self.settings = settings or ExchangeSettings()
        self.clock = Clock(start, speed=0)
        self.exchange = Exchange(self.settings, self.clock)
        self.events: list[Event] = []
        self.exchange.subscribe(self.events.append)

    def request(
        self,
        side: Side,
        quantity: int | str,
        limit: Decimal | str | None = None,
        *,
        stop: Decimal | str | None = None,
        conid: int = AAPL,
        account: str = dollars,
        tif: str = "DAY",
        order_type: str = "",
    ) -> OrderRequest:
        kind = (
            ("STP LMT" if limit is not None else "STP") if stop is not None else "LMT" if limit is not None else "MKT"
        )
        return OrderRequest(
            account=account,
            conid=conid,
            side=side,
            quantity=Decimal(quantity),
            order_type=order_type or kind,
            tif=tif,
            limit_price=None if limit is None else Decimal(limit),
            stop_price=None if stop is None else Decimal(stop),
        )

    def buy(
        self, quantity: int, limit: Decimal | str | None = None, *, conid: int = AAPL, account: str = dollars
    ) -> Order:
        return self.exchange.place(self.request(Side.BUY, quantity, limit, conid=conid, account=account))

    def sell(
        self, quantity: int, limit: Decimal | str | None = None, *, conid: int = AAPL, account: str = dollars
    ) -> Order:
        return self.exchange.place(self.request(Side.SELL, quantity, limit, conid=conid, account=account))

    def modify(self, order: Order, *, limit: Decimal | None = None, quantity: Decimal | int | None = None) -> Order:
        request = order.request
        changed = replace(
            request,
            limit_price=request.limit_price if limit is None else limit,
            quantity=request.quantity if quantity is None else Decimal(quantity),
        )
        return self.exchange.modify(order.perm_id, changed)

    def step(self, count: int = 1) -> None:
        for _ in range(count):
            self.clock.advance(self.settings.step)
            self.exchange.advance()

    def step_until(self, condition: Callable[[], bool], most: int = 4_000) -> None:
        for _ in range(most):
            if condition():
                return
            self.step()
        raise AssertionError(f"not within {most} steps")

    def jump(self, **duration: float) -> None:
        self.clock.advance(timedelta(**duration))
        self.exchange.advance()

    def quote(self, conid: int = AAPL) -> Quote:
        return self.exchange.quote(conid)

    def bid(self, conid: int = AAPL) -> Decimal:
        price = self.quote(conid).bid
        assert price is not None
        return price

    def ask(self, conid: int = AAPL) -> Decimal:
        price = self.quote(conid).ask
        assert price is not None
        return price

    def order(self, order: Order) -> Order:
        latest = self.exchange.order(order.perm_id)
        assert latest is not None
        return latest

    def filled(self, *orders: Order) -> tuple[int, ...]:
        return tuple(int(self.order(order).filled) for order in orders)

    def fills(self, order: Order | None = None) -> list[Execution]:
        executed = [event.execution for event in self.events if isinstance(event, Executed)]
        return [fill for fill in executed if order is None or fill.perm_id == order.perm_id]

    def value(self, key: str, currency: str, account: str = dollars) -> Decimal:
        rows = self.exchange.account_values(account)
        return Decimal(next(row.value for row in rows if (row.key, row.currency) == (key, currency)))

    def base_of(self, account: str) -> str:
        return next(row.base for row in self.settings.accounts if row.id == account)


@pytest.fixture
def trial() -> Trial:
    return Trial()


@pytest.fixture(scope="session")
def new_trial() -> Callable[..., Trial]:
    """For tests that open an exchange more than once."""
    return Trial
