"""Contracts by conid and by what a client happens to know of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final
from zoneinfo import ZoneInfo

from ibkr_sim.exchange.listing.catalogue import OWN_CONIDS, Row, table
from ibkr_sim.exchange.listing.derivatives.expiries import months
from ibkr_sim.exchange.listing.derivatives.futures import Futures, Root
from ibkr_sim.exchange.listing.derivatives.options import FUTURES_OPTION, RIGHTS, Chain, Options
from ibkr_sim.exchange.listing.derivatives.values import FutureValue, Multiple, OptionValue, Value
from ibkr_sim.exchange.listing.hours import exchange_hours
from ibkr_sim.exchange.model import Contract

VENUES = {
    "USD": ("SMART", "AMEX", "NYSE", "CBOE", "PHLX", "ISE", "CHX", "ARCA", "NASDAQ", "BEX", "BATS", "IEX", "EDGX"),
    "CHF": ("SMART", "EBS"),
    "MXN": ("SMART", "MEXI"),
}
_SMART_TYPES: Final = ("STK", "CFD", "BOND", "CMDTY")
_ON_REQUEST: Final = ("CFD", "WAR", "BOND", "IND")
"""What is found only by who names its type: elsewhere its symbol means a stock."""
_CLOSE: Final = time(16)
REMEMBERED: Final = timedelta(days=730)
"""How long a future is found after its end ("Historical Data Limitations" of the TWS API)."""
_CUSIP_COUNTRIES: Final = ("US", "CA")
_ADDED_FROM: Final = 500
"""Which of the simulator's own conids contracts from a file get, unless they bring theirs."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a client knows of a contract; what is empty matches all. `expiry` is a day, or a month."""

    conid: int = 0
    symbol: str = ""
    sec_type: str = ""
    exchange: str = ""
    primary_exchange: str = ""
    currency: str = ""
    local_symbol: str = ""
    trading_class: str = ""
    expiry: str = ""
    strike: Decimal | None = None
    right: str = ""
    multiplier: str = ""
    security_id: tuple[str, str] | None = None
    """Kind and number: `ISIN` and `US0378331005`."""
    expired: bool = False
    """Whether futures are meant as well that have ended, within two years."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The options of one class on one underlying."""

    underlying: int
    sec_type: str
    trading_class: str
    multiplier: Decimal
    exchanges: tuple[str, ...]
    expiries: tuple[date, ...]
    strikes: tuple[Decimal, ...]


class Contracts:
    """The table's contracts, in a fixed order; futures and options are made when they are asked for."""

    def __init__(self, now: Callable[[], datetime], added: Sequence[Row] = ()) -> None:
        """`now` decides which futures and options are listed. Raises ValueError for a row that makes no sense."""
        self._now = now
        self._by_conid: dict[int, Contract] = {}
        self._references: dict[int, Decimal] = {}
        self._bases: dict[int, tuple[int, float]] = {}
        for row in table("contracts"):
            self._add(row)
        for number, row in enumerate(added):
            self._add({**row, "conid": row["conid"] or str(OWN_CONIDS[_ADDED_FROM + number])})
        self._places = {conid: place for place, conid in enumerate(self._by_conid)}
        self._made: dict[int, Contract] = {}
        self._splits: list[tuple[int, Decimal]] = []
        self.futures = Futures(self._by_conid.get)
        self.options = Options(self._by_conid.get, dict(self._references).__getitem__, self.futures)

    @property
    def splits(self) -> Sequence[tuple[int, Decimal]]:
        """Of which shares, into how many for one; the oldest first."""
        return tuple(self._splits)

    def split(self, conid: int, ratio: Decimal) -> None:
        """One share becomes `ratio`: its options have other terms from now on, what follows it keeps its price."""
        self._splits.append((conid, ratio))
        self._references[conid] /= ratio
        self.options.split(conid, ratio)
        self._made = {key: one for key, one in self._made.items() if one.under_conid != conid}
        for follower, (base, factor) in self._bases.items():
            if base == conid and self._by_conid[follower].sec_type != "CFD":
                self._bases[follower] = (base, factor * float(ratio))

    def moves_with(self, contract: Contract, share: int) -> bool:
        """Whether it is a share, or a claim on one that a split changes: an option, a contract for difference."""
        if contract.is_option:
            return contract.under_conid == share
        return contract.conid == share or self.stands_for(contract, share)

    def stands_for(self, contract: Contract, share: int) -> bool:
        """Whether it is a contract for difference on a share."""
        base, _factor = self._bases.get(contract.conid, (0, 0.0))
        return contract.sec_type == "CFD" and base == share

    def __iter__(self) -> Iterator[Contract]:
        """The table's alone."""
        return iter(self._by_conid.values())

    def get(self, conid: int) -> Contract | None:
        known = self._by_conid.get(conid) or self._made.get(conid)
        if known is None:
            known = self.futures.get(conid) or self.options.get(conid)
            if known is not None:
                self._made[conid] = known
        return known

    def reference(self, conid: int) -> Decimal:
        """The price around which a contract of the table trades; also its close before the first day."""
        return self._references[conid]

    def base(self, contract: Contract) -> tuple[int, Value] | None:
        """Which contract it follows, and how; None for one with a price path of its own."""
        if contract.conid in self._bases:
            conid, factor = self._bases[contract.conid]
            return conid, Multiple(factor)
        if contract.sec_type == "FUT":
            return contract.under_conid, FutureValue(contract, self.futures.root(contract).carry)
        if contract.is_option:
            return contract.under_conid, OptionValue(contract, self.options.of_class(contract).volatility)
        return None

    def named(self, name: str) -> Contract:
        """By conid, or by the symbol of one contract, of a stock in dollars first. Raises ValueError."""
        if name.isdecimal() and (known := self.get(int(name))) is not None:
            return known
        found = self.find(Wanted(symbol=name)) or self.find(Wanted(local_symbol=name))
        chosen = [row for row in found if (row.sec_type, row.currency) == ("STK", "USD")] or found
        if len(chosen) != 1:
            raise ValueError(f"{name}: {'several contracts' if chosen else 'no contract'} of that name")
        return chosen[0]

    def place(self, conid: int) -> tuple[int, int]:
        """Its rank in a step: whoever follows comes after what it follows."""
        contract = self._by_conid.get(conid)
        if contract is not None:
            return 0, self._places[conid]
        made = self.get(conid)
        return (1 if made is None or made.sec_type == "FUT" else 2), conid

    def find(self, wanted: Wanted) -> Sequence[Contract]:
        """In the table's order, then by day, strike and right."""
        if wanted.conid:
            found = self.get(wanted.conid)
            return [found] if found is not None and _fits(found, wanted) else []
        if wanted.sec_type == "FUT":
            return [row for row in self._futures(wanted) if _fits(row, wanted)]
        if wanted.sec_type in ("OPT", FUTURES_OPTION):
            return [row for row in self._options(wanted) if _fits(row, wanted)]
        return [row for row in self if _fits(row, wanted)]

    def listings(self, underlying: Contract) -> Sequence[Listing]:
        """Those of a future serve the days for which that month carries."""
        today, found = self._now().date(), []
        for chain in self.options.on(underlying):
            days = self.options.expiries(chain, today)
            if underlying.sec_type == "FUT" and chain.sec_type == FUTURES_OPTION:
                root = self.futures.roots[chain.underlying]
                days = [day for day in days if self.futures.carrying(root, day).conid == underlying.conid]
            if days:
                found.append(
                    Listing(
                        underlying.conid,
                        chain.sec_type,
                        chain.trading_class,
                        chain.multiplier,
                        chain.exchanges,
                        tuple(days),
                        tuple(self.options.strikes(chain)),
                    )
                )
        return found

    def _futures(self, wanted: Wanted) -> Iterator[Contract]:
        today = self._now().date()
        for root in self.futures.roots:
            # A local symbol begins with its class, and some clients give the class for the symbol.
            if wanted.symbol in ("", root.symbol, root.trading_class) and wanted.local_symbol.startswith(
                root.trading_class if wanted.local_symbol else ""
            ):
                if wanted.expired:
                    yield from self._ended(root, today)
                yield from self.futures.listed(root, today)

    def _ended(self, root: Root, today: date) -> Iterator[Contract]:
        """Those that ended not too long ago, the oldest first."""
        since = today - REMEMBERED
        for year, month in months(root.months, since):
            contract = self.futures.make(root, year, month)
            if contract.expiry is None or contract.expiry >= today:
                return
            if contract.expiry >= since:
                yield contract

    def _options(self, wanted: Wanted) -> Iterator[Contract]:
        """Of one symbol or class: nobody is given all options there are."""
        if not (wanted.symbol or wanted.local_symbol or wanted.trading_class):
            return
        for chain in self.options.chains:
            if chain.sec_type == wanted.sec_type and self._names(chain, wanted):
                yield from self.options.listed(chain, *self._listing(chain, wanted))

    def _names(self, chain: Chain, wanted: Wanted) -> bool:
        if wanted.local_symbol and chain.sec_type == "OPT" and wanted.local_symbol[:6].strip() != chain.trading_class:
            return False
        if wanted.trading_class not in ("", chain.trading_class):
            return False
        return wanted.symbol in ("", self.options.symbol(chain))

    def _listing(self, chain: Chain, wanted: Wanted) -> tuple[list[date], list[Decimal], Sequence[str]]:
        """Days, strikes and rights that may fit."""
        days = self.options.expiries(chain, self._now().date())
        strikes = self.options.strikes(chain)
        return (
            [day for day in days if f"{day:%Y%m%d}".startswith(wanted.expiry)],
            [wanted.strike] if wanted.strike in strikes and wanted.strike else [] if wanted.strike else strikes,
            [wanted.right] if wanted.right in RIGHTS else RIGHTS,
        )

    def _add(self, row: Row) -> None:
        try:
            contract, reference = _contract(row), Decimal(row["reference"])
        except (ValueError, InvalidOperation, KeyError) as error:
            raise ValueError(f"contract {row.get('symbol')!r}: {error!r}") from error
        if contract.conid in self._by_conid:
            raise ValueError(f"contract {contract.symbol!r}: the conid {contract.conid} is taken")
        if reference <= 0:
            raise ValueError(f"contract {contract.symbol!r}: a price must be above 0")
        if row["follows"]:
            if int(row["follows"]) not in self._references:
                raise ValueError(f"contract {contract.symbol!r}: no row above it has the conid {row['follows']}")
            self._bases[contract.conid] = int(row["follows"]), float(row["factor"] or 1)
        self._by_conid[contract.conid], self._references[contract.conid] = contract, reference


def _fits(contract: Contract, wanted: Wanted) -> bool:
    if wanted.symbol and not (wanted.sec_type or wanted.conid) and contract.sec_type in _ON_REQUEST:
        return False
    # A currency pair has no smart routing, yet clients name SMART when all they know is the conid.
    venues = ("", "SMART", *contract.valid_exchanges)
    return (
        wanted.exchange in venues
        and all(
            asked in ("", None, 0, has)
            for asked, has in (
                (wanted.conid, contract.conid),
                (wanted.sec_type, contract.sec_type),
                (wanted.primary_exchange, contract.primary_exchange),
                (wanted.currency, contract.currency),
                (wanted.local_symbol, contract.local_symbol),
                (wanted.trading_class, contract.trading_class),
                (wanted.strike, contract.strike),
                (wanted.right, contract.right),
            )
        )
        and _is_named(contract, wanted)
        and (wanted.security_id is None or wanted.security_id in security_ids(contract))
    )


def security_ids(contract: Contract) -> Sequence[tuple[str, str]]:
    """The numbers that others know a contract by. An ISIN of North America holds the CUSIP, between country and digit
    of check (ISO 6166).
    """
    if not contract.isin:
        return ()
    cusips = [("CUSIP", contract.isin[2:-1])] if contract.isin[:2] in _CUSIP_COUNTRIES else []
    return [("ISIN", contract.isin), *cusips]


def _is_named(contract: Contract, wanted: Wanted) -> bool:
    if wanted.symbol not in ("", contract.symbol) and (contract.sec_type, contract.trading_class) != (
        "FUT",
        wanted.symbol,
    ):
        return False
    if wanted.multiplier and Decimal(wanted.multiplier) != contract.factor:
        return False
    if not wanted.expiry:
        return True
    day = f"{contract.expiry:%Y%m%d}" if contract.expiry else ""
    return day == wanted.expiry if len(wanted.expiry) == 8 else contract.contract_month == wanted.expiry


def _contract(row: Row) -> Contract:
    symbol, sec_type, exchange = row["symbol"], row["sec_type"], row["exchange"]
    industry, category, subcategory = (*row["sector"].split("/"), "", "", "")[:3]
    zone = exchange_hours()[exchange if exchange in exchange_hours() else "SMART"].time_zone
    ends = datetime.strptime(row["maturity"], "%Y%m%d").date() if row["maturity"] else None  # noqa: DTZ007  a day
    return Contract(
        conid=int(row["conid"]),
        symbol=symbol,
        sec_type=sec_type,
        currency=row["currency"],
        primary_exchange=exchange,
        local_symbol=row["local_symbol"] or symbol,
        trading_class=row["trading_class"] or ("NMS" if (sec_type, exchange) == ("STK", "NASDAQ") else symbol),
        long_name=row["long_name"] or symbol,
        min_tick=Decimal(row["min_tick"] or "0.01"),
        valid_exchanges=_venues(sec_type, row["currency"], exchange),
        time_zone=zone,
        multiplier=Decimal(row["multiplier"]) if row["multiplier"] else None,
        industry=industry,
        category=category,
        subcategory=subcategory,
        stock_type=row["stock_type"],
        isin=row["isin"],
        size_increment=Decimal(row["size_increment"] or 1),
        expiry=ends,
        last_trade=datetime.combine(ends, _CLOSE, ZoneInfo(zone)).astimezone(UTC) if ends else None,
        contract_month=f"{ends:%Y%m}" if ends else "",
        strike=Decimal(row["strike"]) if row["strike"] else None,
        right=row["right"],
    )


def _venues(sec_type: str, currency: str, exchange: str) -> tuple[str, ...]:
    if sec_type == "STK" and currency in VENUES:
        known = VENUES[currency]
        return known if exchange in known else (*known, exchange)
    smart = ("SMART",) if sec_type in _SMART_TYPES else ()
    return smart if exchange == "SMART" else (*smart, exchange)
