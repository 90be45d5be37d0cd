"""Option chains: what is listed, and the quotes and greeks of some of it from lines that are open for a moment."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

import ib_async

from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.domain.errors import BrokerAway, BrokerRefused, BrokerSilent, InvalidRequest
from ibkr_bridge.ports.research import (
    Computed,
    OptionFigures,
    OptionModel,
    OptionQuote,
    OptionSeries,
    OptionWish,
    Right,
)
from ibkr_bridge.upstream.gathering import all_of
from ibkr_bridge.upstream.pacing import Lane
from ibkr_bridge.upstream.tws import translate
from ibkr_bridge.upstream.tws.marketdata import NO_QUOTE, PRICES, SIZES
from ibkr_bridge.upstream.tws.numbers import decimal
from ibkr_bridge.upstream.tws.wire import Wire

MOST_QUOTED: Final = 60
"""Options of one answer."""
_LINES: Final = 20
"""Of the account's hundred market data lines, those that one chain may hold at once."""
_PATIENCE: Final = 2.0
"""Seconds for which a line may stay open; what has not come then is not known."""
_OPEN_INTEREST: Final = "101"
"""TWS API, "Generic Tick Types"."""
_MODEL: Final = frozenset({13, 83})
"""The model's computation, live or delayed; others are of the bid, the ask and the last price."""
_ASKED_FOR: Final = 53
"""The computation from a caller's figures."""
_INTEREST: Final[Mapping[int, Right]] = {27: Right.CALL, 28: Right.PUT}
"""Of calls and of puts: IBKR sends both, and 0 for the one that the option is not."""
_NO_CONTRACT: Final = 200
_SMART: Final = "SMART"
_NOT_COMPUTED: Final = Decimal(-2)
_TOLD: Final = frozenset(field.name for field in fields(OptionFigures))
_WHOLE: Final = frozenset({"bid", "ask", "delta", "open_interest"})


@dataclass(slots=True)
class _Line:
    option: OptionQuote
    values: dict[str, Decimal]


class Options:
    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._open = asyncio.Semaphore(_LINES)
        self._lines: dict[int, _Line] = {}

    async def series(self, underlying: Contract) -> Sequence[OptionSeries]:
        """Each exchange tells what it lists; SMART, where it is among them, tells it of all."""
        client = await self._wire.turn(Lane.DATA)
        number = client.getReqId()
        with self._wire.requests.open(number, f"the options of {underlying.symbol}") as request:
            exchange = underlying.exchange if underlying.sec_type == "FUT" else ""
            client.reqSecDefOptParams(number, underlying.symbol, exchange, underlying.sec_type, underlying.conid)
            found: list[OptionSeries] = await request.all(self._wire.settings.request_timeout)
        return [series for series in found if series.exchange == _SMART] or found

    async def chain(self, underlying: Contract, wish: OptionWish) -> Sequence[OptionQuote]:
        """One question for the contracts of the day, then a line for each. Raises InvalidRequest for too many."""
        listed = await self._listed(underlying, wish)
        if len(listed) > MOST_QUOTED:
            raise InvalidRequest(f"{len(listed)} options are meant; one answer has {MOST_QUOTED}.", field="strikes")
        quoted = await all_of([self._quoted(option) for option in listed])
        refusals = [refusal for _option, refusal in quoted if refusal is not None]
        if refusals and len(refusals) == len(quoted):
            raise refusals[0]
        return [option for option, _refusal in quoted]

    async def computed(self, underlying: Contract, model: OptionModel) -> Computed:
        client = await self._wire.turn(Lane.DATA)
        number = client.getReqId()
        strike: Any = format(model.strike, "f")  # as text it passes through no float
        option = ib_async.Contract(
            symbol=underlying.symbol,
            secType="FOP" if underlying.sec_type == "FUT" else "OPT",
            lastTradeDateOrContractMonth=f"{model.expiry:%Y%m%d}",
            strike=strike,
            right=model.right.value,
            exchange=underlying.exchange,
            currency=underlying.currency,
        )
        with self._wire.requests.open(number, f"its model of an option on {underlying.symbol}") as request:
            if model.volatility is not None:
                client.calculateOptionPrice(number, option, model.volatility, model.underlying_price, [])
            else:
                client.calculateImpliedVolatility(number, option, model.price, model.underlying_price, [])
            found: list[Computed] = await request.all(self._wire.settings.request_timeout)
        return found[-1]

    def parameters(
        self,
        number: int,
        exchange: str,
        _underlying: str,
        trading_class: str,
        multiplier: str,
        expirations: Sequence[str],
        strikes: Sequence[float],
    ) -> None:
        days = (_day(text) for text in expirations)
        numbers = (decimal(strike) for strike in strikes)
        series = OptionSeries(
            exchange,
            trading_class,
            decimal(multiplier),
            tuple(sorted({day for day in days if day is not None})),
            tuple(sorted({strike for strike in numbers if strike is not None})),
        )
        self._wire.requests.add(number, series)

    def parameters_end(self, number: int) -> None:
        self._wire.requests.finish(number)

    def price(self, number: int, tick: int, price: float, size: float) -> bool:
        """False for a line that is none of these."""
        if number not in self._lines:
            return False
        names = PRICES.get(tick, ("", None))
        return self._take(number, {names[0]: None if price == NO_QUOTE else price, names[1] or "": size})

    def size(self, number: int, tick: int, size: float) -> bool:
        """False for a line that is none of these."""
        line = self._lines.get(number)
        if line is None:
            return False
        interest = _INTEREST.get(tick)
        if interest is None:
            return self._take(number, {SIZES.get(tick, ""): size})
        return interest is not line.option.right or self._take(number, {"open_interest": size})

    def computation(
        self,
        number: int,
        tick: int,
        _attribute: int,
        volatility: float,
        delta: float,
        price: float,
        _dividends: float,
        gamma: float,
        vega: float,
        theta: float,
        _underlying: float,
    ) -> None:
        figures = {"delta": delta, "gamma": gamma, "theta": theta, "vega": vega}
        known = {name: None if value == _NOT_COMPUTED else decimal(value) for name, value in figures.items()}
        known["implied_volatility"] = None if volatility < 0 else decimal(volatility)
        if tick in _MODEL:
            self._take(number, known)
        elif tick == _ASKED_FOR:
            self._wire.requests.add(number, Computed(price=None if price < 0 else decimal(price), **known))
            self._wire.requests.finish(number)

    async def _listed(self, underlying: Contract, wish: OptionWish) -> list[OptionQuote]:
        client = await self._wire.turn(Lane.DATA)
        number = client.getReqId()
        asked = ib_async.Contract(
            symbol=underlying.symbol,
            secType="FOP" if underlying.sec_type == "FUT" else "OPT",
            lastTradeDateOrContractMonth=f"{wish.expiry:%Y%m%d}",
            right=wish.right.value if wish.right else "",
            exchange=underlying.exchange,
            currency=underlying.currency,
        )
        with self._wire.requests.open(number, f"the options of {underlying.symbol}") as request:
            client.reqContractDetails(number, asked)
            try:
                found = await request.all(self._wire.settings.request_timeout)
            except BrokerRefused as refused:
                if refused.ibkr_code == _NO_CONTRACT:
                    return []
                raise
        options = [option for details in found if (option := _option(details, wish.expiry)) is not None]
        wanted = [option for option in options if not wish.strikes or option.strike in wish.strikes]
        return sorted(wanted, key=lambda option: (option.strike, option.right))

    async def _quoted(self, option: OptionQuote) -> tuple[OptionQuote, BrokerRefused | None]:
        """As much as comes in the time there is; nothing at all is an answer too, and so is a refusal."""
        refusal = None
        async with self._open:
            client = await self._wire.turn(Lane.DATA)
            number = client.getReqId()
            line = self._lines[number] = _Line(option, {})
            try:
                with self._wire.requests.open(number, f"the quote of {option.contract.local_symbol}") as request:
                    client.reqMktData(
                        number,
                        translate.contract_sent(option.contract),
                        genericTickList=_OPEN_INTEREST,
                        snapshot=False,
                        regulatorySnapshot=False,
                        mktDataOptions=[],
                    )
                    await request.all(_PATIENCE)
            except BrokerSilent:
                pass
            except BrokerRefused as refused:
                refusal = refused
            finally:
                del self._lines[number]
                await self._end(number)
        return replace(option, figures=OptionFigures(**line.values)), refusal

    async def _end(self, number: int) -> None:
        try:
            (await self._wire.turn(Lane.DATA)).cancelMktData(number)
        except BrokerAway:
            return  # the line went with the connection

    def _take(self, number: int, news: Mapping[str, Any]) -> bool:
        line = self._lines.get(number)
        if line is None:
            return False
        values = {name: decimal(value) for name, value in news.items() if name in _TOLD}
        line.values.update({name: value for name, value in values.items() if value is not None})
        if line.values.keys() >= _WHOLE:
            self._wire.requests.finish(number)
        return True


def _option(details: ib_async.ContractDetails, expiry: date) -> OptionQuote | None:
    theirs = details.contract or ib_async.Contract()
    strike, day = decimal(theirs.strike), _day(theirs.lastTradeDateOrContractMonth)
    if strike is None or day != expiry or theirs.right[:1] not in ("C", "P"):
        return None
    return OptionQuote(translate.contract(theirs, details), expiry, strike, Right(theirs.right[:1]))


def _day(text: str) -> date | None:
    try:
        return datetime.strptime(text[:8], "%Y%m%d").replace(tzinfo=UTC).date()
    except ValueError:
        return None
