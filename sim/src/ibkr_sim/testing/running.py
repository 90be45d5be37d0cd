"""A simulator in a thread of its own, and the handle by which a test holds it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime, timedelta
from decimal import Decimal
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from ibkr_sim.control.ledger import ledger
from ibkr_sim.exchange.exchange import Exchange
from ibkr_sim.exchange.model import Order, OrderRequest, Side
from ibkr_sim.faults.injection import Injection
from ibkr_sim.server import Simulator, SimulatorSettings

PATIENCE: Final = 60.0
"""Real seconds for one call. A jump of the clock over a day makes every price of that day."""
LOOK_AGAIN: Final = 0.005
Answer = TypeVar("Answer")


class InjectedFault:
    """One fault that a test has ordered."""

    def __init__(self, holder: RunningSimulator, injection: Injection) -> None:
        self._holder, self._injection = holder, injection

    @property
    def struck(self) -> int:
        """How often, so far; also after it was cleared."""
        return self._holder.within(lambda _simulator: len(self._injection.strikes))

    def clear(self) -> None:
        """Restore normal service. Nothing if that has happened."""

        def end(simulator: Simulator) -> None:
            if self._injection in simulator.faults.injections:
                simulator.faults.remove(self._injection)

        self._holder.within(end)


class RunningSimulator:
    """Open inside `with`. Every call waits until the simulator has done it; none needs the caller's event loop.

    Calls raise TimeoutError after a minute, and RuntimeError when the simulator is not open.
    """

    def __init__(self, settings: SimulatorSettings) -> None:
        """Raises InvalidFault for a fault that does not exist."""
        self._settings = settings
        self._opened: Future[tuple[Simulator, asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        self._thread = threading.Thread(target=self._run, name="ibkr-sim", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self._opened.result(PATIENCE)
        except BaseException:
            self._thread.join(PATIENCE)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _simulator, loop, stop = self._opened.result(0)
        loop.call_soon_threadsafe(stop.set)
        self._thread.join(PATIENCE)
        if self._thread.is_alive():
            raise TimeoutError("the simulator did not end")

    # --- the doors

    @property
    def host(self) -> str:
        return self._settings.tws.host

    @property
    def port(self) -> int:
        """Of the TWS door."""
        return self._open.tws_port

    @property
    def webapi_url(self) -> str:
        """Of the Web API's door, `http://127.0.0.1:54321/v1/api`. Raises RuntimeError where it was left closed."""
        webapi = self._open.webapi
        if webapi is None:
            raise RuntimeError("this simulator was started with webapi=False")
        return webapi.url

    @property
    def accounts(self) -> Sequence[str]:
        return tuple(account.id for account in self._settings.exchange.accounts)

    @property
    def account(self) -> str:
        """The first one."""
        return self.accounts[0]

    # --- the clock

    @property
    def now(self) -> datetime:
        """Simulated time, in UTC."""
        return self.within(lambda simulator: simulator.clock.now())

    def advance(self, step: timedelta | float) -> datetime:
        """Jump forward, by seconds or a timedelta, over every price and fill on the way; the time it is then.

        Raises ValueError for a step back.
        """
        ahead = step if isinstance(step, timedelta) else timedelta(seconds=step)

        def jump(simulator: Simulator) -> datetime:
            simulator.clock.advance(ahead)
            simulator.exchange.advance()
            return simulator.clock.now()

        return self.within(jump)

    def set_speed(self, speed: float) -> None:
        """Simulated seconds per real second from now on; 0 stands still. Raises ValueError for a negative one."""
        self.within(lambda simulator: simulator.clock.set_speed(speed))

    # --- bad days

    def inject(
        self,
        name: str,
        on: str = "now",
        *,
        options: Mapping[str, object] | None = None,
        times: int | None = None,
        seed: int = 1,
        client: str | int | None = None,
    ) -> InjectedFault:
        """Order a fault by its name, when `on` happens (`order:2`). Raises InvalidFault.

        The names stand in docs/reference/simulator-control.md; `ibkr-sim faults` prints them.
        """
        injection = self.within(
            lambda simulator: simulator.faults.inject(name, on, options=options, times=times, seed=seed, client=client)
        )
        return InjectedFault(self, injection)

    def clear_faults(self) -> None:
        self.within(lambda simulator: simulator.faults.clear())

    # --- a person at TWS

    def order_by_hand(
        self,
        side: str,
        quantity: Decimal | int,
        symbol: str,
        *,
        limit: Decimal | str | None = None,
        tif: str = "DAY",
        account: str | None = None,
    ) -> Order:
        """Place an order as a person in TWS would: foreign to every client. A market order where no limit is given.

        `symbol` is a stock's in dollars. Raises Rejected, and ValueError for another side than BUY and SELL.
        """
        wanted = Side(side)

        def place(simulator: Simulator) -> Order:
            (contract,) = simulator.exchange.find_contracts(symbol=symbol, sec_type="STK", currency="USD")
            request = OrderRequest(
                account=account or self.account,
                conid=contract.conid,
                side=wanted,
                quantity=Decimal(quantity),
                order_type="MKT" if limit is None else "LMT",
                tif=tif,
                limit_price=None if limit is None else Decimal(limit),
            )
            return simulator.exchange.place_by_hand(request)

        return self.within(place)

    def cancel_by_hand(self, perm_id: int) -> Order:
        """Raises Rejected (135 unknown, 10148 in a state that cannot be cancelled)."""
        return self.within(lambda simulator: simulator.exchange.cancel(perm_id))

    # --- what is true

    def ledger(self) -> dict[str, Any]:
        """The books: accounts, orders, executions, as `GET /control/ledger` shows them."""
        return self.ask(ledger)

    def ask(self, question: Callable[[Exchange], Answer]) -> Answer:
        """What a function of the exchange returns, called where no other thread is inside."""
        return self.within(lambda simulator: question(simulator.exchange))

    def within(self, call: Callable[[Simulator], Answer]) -> Answer:
        """What a function of the whole simulator returns, called in the simulator's thread."""

        async def calling() -> Answer:
            return call(self._open)

        return self._await(calling())

    def until(self, condition: Callable[[Exchange], Answer], deadline: float = 10.0) -> Answer:
        """Wait, blocking, until the condition is true of the exchange; its value. Raises TimeoutError."""
        end = time.monotonic() + deadline
        while not (answer := self.ask(condition)):
            if time.monotonic() > end:
                raise TimeoutError(f"not true after {deadline:g} s")
            time.sleep(LOOK_AGAIN)
        return answer

    async def reaches(self, condition: Callable[[Exchange], Answer], deadline: float = 10.0) -> Answer:
        """As `until`, for tests whose own event loop must run meanwhile."""
        async with asyncio.timeout(deadline):
            while not (answer := self.ask(condition)):  # noqa: ASYNC110  events come from another thread's loop
                await asyncio.sleep(LOOK_AGAIN)
        return answer

    # --- the thread

    @property
    def _open(self) -> Simulator:
        if not self._opened.done() or not self._thread.is_alive():
            raise RuntimeError("the simulator is not open")
        return self._opened.result(0)[0]

    def _await(self, coroutine: Coroutine[Any, Any, Answer]) -> Answer:
        try:
            _ = self._open
            loop = self._opened.result(0)[1]
        except BaseException:
            coroutine.close()
            raise
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(PATIENCE)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            if self._opened.done():
                raise
            self._opened.set_exception(error)

    async def _serve(self) -> None:
        stop = asyncio.Event()
        async with Simulator(self._settings) as simulator:
            self._opened.set_result((simulator, asyncio.get_running_loop(), stop))
            await stop.wait()
