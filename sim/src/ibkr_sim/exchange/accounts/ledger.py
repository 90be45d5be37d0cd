"""Who owns what: cash and positions of the accounts, of the street they trade with, and of the broker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from ibkr_sim.exchange.accounts.margin import CENT, Exposure
from ibkr_sim.exchange.model import Contract, Pnl, Position
from ibkr_sim.exchange.settings import AccountSettings

STREET = "STREET"
"""The other side of every fill that is not another client's."""
BROKER = "BROKER"
"""Receives the commissions."""
COST_EXACTNESS = Decimal("0.00000001")


@dataclass(slots=True)
class Holding:
    """An account's stake in one contract; money in the contract's currency."""

    quantity: Decimal = Decimal(0)
    cost: Decimal = Decimal(0)
    """Paid for what is held, commission included; below 0 for a short position."""
    realized: Decimal = Decimal(0)
    day_value: Decimal = Decimal(0)
    """What was held when the day began, at the previous close."""
    day_cash: Decimal = Decimal(0)
    """Cash that today's trades brought (above 0) or took, commissions included."""
    unsettled: Decimal = Decimal(0)
    """Of a future: what it stood at when its gain was last paid out; what was traded since counts at its price."""

    @property
    def average_cost(self) -> Decimal:
        return self.cost / self.quantity if self.quantity else Decimal(0)

    def trade(self, quantity: Decimal, price: Decimal, commission: Decimal) -> Decimal | None:
        """Book a signed quantity; the profit realised, None if it only opens."""
        self.day_cash -= quantity * price + commission
        if quantity * self.quantity >= 0:
            self._open(quantity, price, commission)
            return None
        closed = max(quantity, -self.quantity) if quantity < 0 else min(quantity, -self.quantity)
        closing_commission = commission * closed / quantity
        released = self.cost * -closed / self.quantity
        profit = -closed * price - released - closing_commission
        self.realized += profit
        self.quantity += closed
        self.cost = self.cost - released if self.quantity else Decimal(0)
        if closed != quantity:
            self._open(quantity - closed, price, commission - closing_commission)
        return profit

    def _open(self, quantity: Decimal, price: Decimal, commission: Decimal) -> None:
        self.quantity += quantity
        self.cost += quantity * price + commission

    def reprice(self, quantity: Decimal, difference: Decimal) -> Decimal:
        """Book a trade of a signed quantity at another price after the fact; the change of the profit realised.

        `difference` is what it costs more: the part that is still held bears it, the rest has been realised.
        """
        self.day_cash -= difference
        held = min(abs(self.quantity), abs(quantity)) / abs(quantity) if quantity * self.quantity > 0 else Decimal(0)
        self.cost += difference * held
        profit = -difference * (1 - held)
        self.realized += profit
        return profit

    def settle(self, value: Decimal) -> Decimal:
        """The gain since the last time, which is paid out now."""
        gain, self.unsettled = value - self.unsettled, value
        return gain

    def turn_day(self, close: Decimal) -> None:
        """`close` is what one of it is worth."""
        self.realized = self.day_cash = Decimal(0)
        self.day_value = self.quantity * close


@dataclass(slots=True)
class Account:
    id: str
    base: str
    cash: dict[str, Decimal] = field(default_factory=dict)
    holdings: dict[int, Holding] = field(default_factory=dict)

    def pay(self, currency: str, amount: Decimal) -> None:
        self.cash[currency] = self.cash.get(currency, Decimal(0)) + amount


class Ledger:
    """Every trade and fee is booked twice, once on each side, so nothing appears or vanishes.

    `mark` values a contract, `rate` converts one unit of the first currency into the second.
    """

    def __init__(
        self,
        accounts: tuple[AccountSettings, ...],
        contract: Callable[[int], Contract],
        mark: Callable[[int], Decimal],
        rate: Callable[[str, str], Decimal],
    ) -> None:
        self._accounts = {row.id: Account(row.id, row.base, {row.base: Decimal(0), **row.cash}) for row in accounts}
        self._houses = {name: Account(name, "USD") for name in (STREET, BROKER)}
        self._contract, self._mark, self._rate = contract, mark, rate

    def __contains__(self, account: object) -> bool:
        return account in self._accounts

    def account(self, name: str) -> Account:
        """Raises KeyError for an account that is not a client's."""
        return self._accounts[name]

    def clients(self) -> Iterator[Account]:
        yield from self._accounts.values()

    def everyone(self) -> Iterator[Account]:
        """Clients, then the street and the broker."""
        yield from self.clients()
        yield from self._houses.values()

    def trade(
        self, name: str, contract: Contract, quantity: Decimal, price: Decimal, commission: Decimal
    ) -> Decimal | None:
        """Book a signed quantity of shares or of a pair's first currency; the profit realised, if it closes.

        `commission` is in the contract's currency and serves the cost basis only: `charge` takes the money.
        """
        account = self._accounts.get(name) or self._houses[name]
        cost = quantity * price * contract.factor
        if contract.sec_type == "CASH":
            account.pay(contract.currency, -cost)
            account.pay(contract.symbol, quantity)
            return None
        holding = account.holdings.setdefault(contract.conid, Holding())
        if contract.is_margined:
            holding.unsettled += cost
        else:
            account.pay(contract.currency, -cost)
        return holding.trade(quantity, price * contract.factor, commission)

    def reprice(self, name: str, contract: Contract, quantity: Decimal, difference: Decimal) -> Decimal:
        """Correct the price of a booked trade against the street; the change of the profit realised."""
        self._correct(self._houses[STREET], contract, -quantity, -difference)
        return self._correct(self._accounts[name], contract, quantity, difference)

    def _correct(self, account: Account, contract: Contract, quantity: Decimal, difference: Decimal) -> Decimal:
        if contract.sec_type == "CASH":
            account.pay(contract.currency, -difference)
            return Decimal(0)
        holding = account.holdings.setdefault(contract.conid, Holding())
        if contract.is_margined:
            holding.unsettled += difference
        else:
            account.pay(contract.currency, -difference)
        return holding.reprice(quantity, difference)

    def charge(self, name: str, amount: Decimal, currency: str) -> None:
        self._accounts[name].pay(currency, -amount)
        self._houses[BROKER].pay(currency, amount)

    def distribute(self, name: str, conid: int, amount: Decimal, currency: str) -> None:
        """Pay a dividend out of the street's pocket, or into it."""
        for account, paid in ((self._accounts[name], amount), (self._houses[STREET], -amount)):
            account.pay(currency, paid)
            account.holdings[conid].day_cash += paid

    def multiply(self, conid: int, ratio: Decimal) -> None:
        """Everybody has so many of a contract for each one, at the same cost."""
        for account in self.everyone():
            held = account.holdings.get(conid)
            if held is not None:
                held.quantity *= ratio

    def round_off(self, contract: Contract) -> None:
        """Pay what is less than the smallest size out of the street's pocket, at the mark."""
        price = self._mark(contract.conid)
        for account in self.clients():
            held = account.holdings.get(contract.conid)
            rest = Decimal(0) if held is None else held.quantity % contract.size_increment
            if rest:
                self.trade(account.id, contract, -rest, price, Decimal(0))
                self.trade(STREET, contract, rest, price, Decimal(0))

    def turn_day(self) -> None:
        """Pay out what futures have gained; forget what was closed; the rest starts the day at its mark."""
        for account in self.everyone():
            for conid in account.holdings:
                self.settle(account, conid)
            account.holdings = {conid: held for conid, held in account.holdings.items() if held.quantity}
            for conid, held in account.holdings.items():
                held.turn_day(self._unit(conid))

    def settle(self, account: Account, conid: int) -> None:
        """Pay out what a future has gained."""
        contract, held = self._contract(conid), account.holdings[conid]
        if contract.is_margined:
            account.pay(contract.currency, held.settle(held.quantity * self._unit(conid)))

    def position(self, name: str, conid: int) -> Position | None:
        held = self.account(name).holdings.get(conid)
        if held is None:
            return None
        price = self._mark(conid)
        value = held.quantity * self._unit(conid)
        return Position(
            account=name,
            conid=conid,
            quantity=held.quantity,
            average_cost=held.average_cost.quantize(COST_EXACTNESS),
            market_price=price,
            market_value=value,
            daily_pnl=value - held.day_value + held.day_cash,
            unrealized_pnl=value - held.cost,
            realized_pnl=held.realized,
        )

    def stake(self, name: str, conid: int) -> tuple[Decimal, Decimal] | None:
        """How much an account has of a contract, and its mark; None when it has not held it today."""
        held = self.account(name).holdings.get(conid)
        return None if held is None else (held.quantity, self._mark(conid))

    def positions(self, name: str) -> list[Position]:
        rows = (self.position(name, conid) for conid in self.account(name).holdings)
        return [row for row in rows if row is not None]

    def pnl(self, name: str) -> Pnl:
        """Of positions, at today's rates; a change of the rates on cash balances is not in it."""
        daily = unrealized = realized = Decimal(0)
        base = self.account(name).base
        for row in self.positions(name):
            rate = self._rate(self.currency(row.conid), base)
            daily += row.daily_pnl * rate
            unrealized += row.unrealized_pnl * rate
            realized += row.realized_pnl * rate
        return Pnl(name, daily.quantize(CENT), unrealized.quantize(CENT), realized.quantize(CENT))

    def currency(self, conid: int) -> str:
        return self._contract(conid).currency

    def exposures(self, name: str) -> dict[int, Exposure]:
        """Of each position, in the account's base currency."""
        account = self.account(name)
        return {
            conid: self._exposure(conid, held, account.base)
            for conid, held in account.holdings.items()
            if held.quantity or held.unsettled
        }

    def _exposure(self, conid: int, held: Holding, base: str) -> Exposure:
        contract = self._contract(conid)
        rate = self._rate(contract.currency, base)
        value = held.quantity * self._unit(conid) * rate
        size = held.quantity * contract.strike * contract.factor * rate if contract.strike else value
        return Exposure(value - held.unsettled * rate if contract.is_margined else value, size, contract.sec_type)

    def _unit(self, conid: int) -> Decimal:
        """What one of it is worth."""
        return self._mark(conid) * self._contract(conid).factor

    def balances(self, name: str) -> dict[str, Decimal]:
        """Cash of each currency, in the account's base currency."""
        account = self.account(name)
        return {currency: amount * self._rate(currency, account.base) for currency, amount in account.cash.items()}
