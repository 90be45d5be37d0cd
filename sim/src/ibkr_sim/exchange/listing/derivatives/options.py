"""Options by chain, day, strike and right."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Final
from zoneinfo import ZoneInfo

from ibkr_sim.exchange.listing.catalogue import Row, table
from ibkr_sim.exchange.listing.derivatives.expiries import is_option_expiry, option_expiries
from ibkr_sim.exchange.listing.derivatives.futures import Futures
from ibkr_sim.exchange.listing.hours import Hours, exchange_hours
from ibkr_sim.exchange.model import Contract

FIRST_CONID: Final = 1_000_000_000
_DAYS, _STRIKES, _RIGHTS = 8192, 2048, 2
_DAY_ZERO: Final = date(2024, 1, 1)
RIGHTS: Final = ("C", "P")
_OPENING, _CLOSING = time(9, 30), time(16)
FUTURES_OPTION: Final = "FOP"
_CENT: Final = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Chain:
    """What all options of one class have in common."""

    number: int
    sec_type: str
    underlying: int
    """A conid, or the number of a future's root."""
    trading_class: str
    exchange: str
    exchanges: tuple[str, ...]
    currency: str
    multiplier: Decimal
    min_tick: Decimal
    step: Decimal
    """Between two strikes."""
    width: Decimal
    """How far strikes lie from the underlying's reference, as a fraction of it."""
    schedule: str
    style: str
    cash: bool
    volatility: float
    at_open: bool
    """Whether it ends with the opening of its last day instead of the close."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What splits have made of the options on a contract: strikes are divided, and each may deliver more or less."""

    divisor: Decimal = Decimal(1)
    delivers: Decimal = Decimal(1)


_AS_LISTED: Final = Terms()


class Options:
    """Every option is made when it is asked for; its conid says which one it is, and a split leaves it that conid.

    Nothing of a chain is kept.
    """

    def __init__(
        self, contract: Callable[[int], Contract | None], reference: Callable[[int], Decimal], futures: Futures
    ) -> None:
        """`contract` finds underlyings, `reference` the price around which one trades."""
        self._contract, self._reference, self._futures = contract, reference, futures
        self._terms: dict[int, Terms] = {}

    @cached_property
    def chains(self) -> list[Chain]:
        return [_chain(row) for row in table("chains")]

    def split(self, underlying: int, ratio: Decimal) -> None:
        """As the options clearing house adjusts: strikes are divided, in cents. Who splits into whole shares leaves
        what an option delivers alone, and multiplies the options; else an option delivers that many times as much.
        """
        terms = self._terms.get(underlying, _AS_LISTED)
        delivers = terms.delivers if multiplies(ratio) else terms.delivers * ratio
        self._terms[underlying] = Terms(terms.divisor * ratio, delivers)

    def get(self, conid: int) -> Contract | None:
        """None also for a day or a strike that no option of the chain has."""
        rest, right = divmod(conid - FIRST_CONID, _RIGHTS)
        rest, place = divmod(rest, _STRIKES)
        number, days = divmod(rest, _DAYS)
        if not 0 <= number < len(self.chains):
            return None
        chain, day = self.chains[number], _DAY_ZERO + timedelta(days=days)
        if place not in self._places(chain) or not is_option_expiry(chain.schedule, day, self._hours(chain).calendar):
            return None
        return self.make(chain, day, self._strike(chain, place), RIGHTS[right])

    def of_class(self, contract: Contract) -> Chain:
        """Raises StopIteration for a contract that is no option."""
        wanted = contract.sec_type, contract.trading_class
        return next(chain for chain in self.chains if (chain.sec_type, chain.trading_class) == wanted)

    def on(self, underlying: Contract) -> list[Chain]:
        """Chains of an underlying; those of a future serve every month of its root, and its index."""
        return [chain for chain in self.chains if self._follows(chain, underlying)]

    def expiries(self, chain: Chain, today: date) -> list[date]:
        return option_expiries(chain.schedule, today, self._hours(chain).calendar)

    def strikes(self, chain: Chain) -> list[Decimal]:
        return [self._strike(chain, place) for place in self._places(chain)]

    def symbol(self, chain: Chain) -> str:
        if chain.sec_type == FUTURES_OPTION:
            return self._futures.roots[chain.underlying].symbol
        under = self._contract(chain.underlying)
        return under.symbol if under else chain.trading_class

    def listed(
        self, chain: Chain, days: Sequence[date], strikes: Sequence[Decimal], rights: Sequence[str]
    ) -> Iterator[Contract]:
        for day in days:
            for strike in strikes:
                for right in rights:
                    yield self.make(chain, day, strike, right)

    def make(self, chain: Chain, day: date, strike: Decimal, right: str) -> Contract:
        under = self._underlying(chain, day)
        hours = self._hours(chain)
        ends = datetime.combine(day, _OPENING if chain.at_open else _CLOSING, ZoneInfo(hours.time_zone))
        return Contract(
            conid=self._conid(chain, day, strike, right),
            symbol=under.symbol,
            sec_type=chain.sec_type,
            currency=chain.currency,
            primary_exchange=chain.exchange,
            local_symbol=_local_symbol(chain, under, day, strike, right),
            trading_class=chain.trading_class,
            long_name=under.long_name,
            min_tick=chain.min_tick,
            valid_exchanges=chain.exchanges,
            time_zone=hours.time_zone,
            multiplier=chain.multiplier * self._terms_of(chain).delivers,
            industry=under.industry,
            category=under.category,
            subcategory=under.subcategory,
            expiry=day,
            last_trade=ends.astimezone(UTC),
            contract_month=f"{day:%Y%m}",
            strike=strike,
            right=right,
            under_conid=under.conid,
            under_sec_type=under.sec_type,
            under_symbol=under.local_symbol if under.sec_type == "FUT" else under.symbol,
            cash_settled=chain.cash,
            american=chain.style == "american",
        )

    def _underlying(self, chain: Chain, day: date) -> Contract:
        """Raises KeyError for a table that names an underlying which is not there."""
        if chain.sec_type == FUTURES_OPTION:
            return self._futures.carrying(self._futures.roots[chain.underlying], day)
        found = self._contract(chain.underlying)
        if found is None:
            raise KeyError(chain.underlying)
        return found

    def _follows(self, chain: Chain, underlying: Contract) -> bool:
        if chain.sec_type != FUTURES_OPTION:
            return chain.underlying == underlying.conid
        root = self._futures.roots[chain.underlying]
        return underlying.conid == root.underlying or (
            underlying.sec_type == "FUT" and underlying.trading_class == root.trading_class
        )

    def _places(self, chain: Chain) -> range:
        """The strikes that are listed, counted in steps from nothing."""
        if chain.sec_type == FUTURES_OPTION:
            middle = self._reference(self._futures.roots[chain.underlying].underlying)
        else:
            middle = self._reference(chain.underlying)
        least = max(int(middle * (1 - chain.width) / chain.step), 1)
        return range(least, min(int(middle * (1 + chain.width) / chain.step) + 1, _STRIKES))

    def _conid(self, chain: Chain, day: date, strike: Decimal, right: str) -> int:
        days, place = (day - _DAY_ZERO).days, round(strike * self._terms_of(chain).divisor / chain.step)
        return FIRST_CONID + ((chain.number * _DAYS + days) * _STRIKES + place) * _RIGHTS + RIGHTS.index(right)

    def _strike(self, chain: Chain, place: int) -> Decimal:
        terms = self._terms_of(chain)
        listed = place * chain.step
        return listed if terms is _AS_LISTED else (listed / terms.divisor).quantize(_CENT)

    def _terms_of(self, chain: Chain) -> Terms:
        return _AS_LISTED if chain.sec_type == FUTURES_OPTION else self._terms.get(chain.underlying, _AS_LISTED)

    def _hours(self, chain: Chain) -> Hours:
        return exchange_hours()[chain.exchange]


def multiplies(ratio: Decimal) -> bool:
    """Whether a split into so many shares for one multiplies the options on them."""
    return ratio == ratio.to_integral_value()


def _local_symbol(chain: Chain, under: Contract, day: date, strike: Decimal, right: str) -> str:
    """As the options clearing house writes it: `AAPL  260116C00270000`; options on futures name their future."""
    if chain.sec_type == FUTURES_OPTION:
        return f"{under.local_symbol} {day:%d%b%y} {right}{strike.normalize():f}".upper()
    return f"{chain.trading_class:<6}{day:%y%m%d}{right}{int(strike * 1000):08d}"


def _chain(row: Row) -> Chain:
    return Chain(
        number=int(row["number"]),
        sec_type=row["sec_type"],
        underlying=int(row["underlying"]),
        trading_class=row["trading_class"],
        exchange=row["exchange"],
        exchanges=tuple(row["exchanges"].split("/")),
        currency=row["currency"],
        multiplier=Decimal(row["multiplier"]),
        min_tick=Decimal(row["min_tick"]),
        step=Decimal(row["step"]),
        width=Decimal(row["width"]),
        schedule=row["schedule"],
        style=row["style"],
        cash=row["settlement"] == "cash",
        volatility=float(row["volatility"]),
        at_open=row["expires"] == "open",
    )
