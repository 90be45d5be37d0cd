"""The broker's back office: account figures, previews, and which orders an account can bear."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from ibkr_sim.exchange.accounts.commissions import commission
from ibkr_sim.exchange.accounts.currencies import Rates
from ibkr_sim.exchange.accounts.figures import CurrencyFigures, Statement, account_values, statement
from ibkr_sim.exchange.accounts.ledger import Ledger
from ibkr_sim.exchange.accounts.margin import Exposure
from ibkr_sim.exchange.accounts.previews import check_funds, exposure_after, preview
from ibkr_sim.exchange.model import AccountValue, Contract, OrderRequest, Preview, Quote, Side
from ibkr_sim.exchange.orders.families.kinds import kind_of
from ibkr_sim.exchange.terms import ComboLeg

_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Part:
    """What an order trades in one contract: a signed quantity at the price that is to be expected."""

    contract: Contract
    quantity: Decimal
    price: Decimal

    @property
    def paid(self) -> Decimal:
        """Its price times its size."""
        return abs(self.quantity) * self.price

    def exposure(self, before: Exposure | None, held: Decimal, mark: Decimal, rate: Decimal) -> Exposure:
        """The position that it leaves, of which `held` are there at `mark`; a trade in futures moves no money."""
        factor = self.contract.factor * rate
        after = exposure_after(held, mark, self.quantity, self.price) * factor
        size = (held + self.quantity) * self.contract.strike * factor if self.contract.strike else after
        value = (before.value if before else Decimal(0)) if self.contract.is_margined else after
        return Exposure(value, size, self.contract.sec_type)


class Office:
    """Reads the ledger; writes nothing."""

    def __init__(self, ledger: Ledger, rates: Rates) -> None:
        self._ledger, self._rates = ledger, rates

    def statement(self, account: str) -> Statement:
        """Raises KeyError for an unknown account."""
        base = self._ledger.account(account).base
        return statement(account, base, self._ledger.exposures(account), self._ledger.balances(account))

    def account_values(self, account: str) -> Sequence[AccountValue]:
        return account_values(self.statement(account), self._figures(account), self._ledger.pnl(account))

    def preview(self, request: OrderRequest, parts: Sequence[Part]) -> Preview:
        """`request` must have passed `check_order`. Raises Rejected (201) when funds do not suffice."""
        outcome = self._outcome(request.account, parts)
        check_funds(outcome, self._ledger.account(request.account).base)
        return outcome

    def admit(self, request: OrderRequest, parts: Sequence[Part], replaced: OrderRequest | None = None) -> None:
        """Raises Rejected (201) when funds do not suffice. What binds no more than what it replaces always passes."""
        if replaced is None or len(parts) > 1 or request.quantity * parts[0].price > _value_before(replaced, parts[0]):
            self.preview(request, parts)

    def _outcome(self, account: str, parts: Sequence[Part]) -> Preview:
        base = self._ledger.account(account).base
        exposures, balances = self._ledger.exposures(account), self._ledger.balances(account)
        before = statement(account, base, exposures, balances)
        self._add(account, base, parts, exposures, balances)
        after = statement(account, base, exposures, balances)
        fees = [commission(row.contract, abs(row.quantity), row.paid, self._rates.rate) for row in parts]
        currency = fees[0][1]
        fee = sum((amount * self._rates.rate(own, currency) for amount, own in fees), _NOTHING)
        return preview(before, after, (fee, currency), fee * self._rates.rate(currency, base))

    def _add(
        self,
        account: str,
        base: str,
        parts: Sequence[Part],
        exposures: dict[int, Exposure],
        balances: dict[str, Decimal],
    ) -> None:
        """Make the account what it would be if the whole order had filled at its price."""
        for row in parts:
            contract, quantity, price = row.contract, row.quantity, row.price
            rate = self._rates.rate(contract.currency, base)
            cash = _NOTHING if contract.is_margined else quantity * price * contract.factor * rate
            balances[contract.currency] = balances.get(contract.currency, _NOTHING) - cash
            if contract.sec_type == "CASH":
                balances[contract.symbol] = balances.get(contract.symbol, _NOTHING) + cash
            else:
                held, mark = self._ledger.stake(account, contract.conid) or (_NOTHING, price)
                exposures[contract.conid] = row.exposure(exposures.get(contract.conid), held, mark, rate)

    def _figures(self, account: str) -> dict[str, CurrencyFigures]:
        owner = self._ledger.account(account)
        rows = self._ledger.positions(account)
        exposures = self._ledger.exposures(account)
        currency_of = {row.conid: self._ledger.currency(row.conid) for row in rows}
        figures: dict[str, CurrencyFigures] = {}
        for currency in sorted({*owner.cash, *currency_of.values()}):
            own = [row for row in rows if currency_of[row.conid] == currency]
            rate = self._rates.rate(currency, owner.base)
            parts = [exposures[row.conid] for row in own if row.conid in exposures]
            figures[currency] = CurrencyFigures(
                cash=owner.cash.get(currency, Decimal(0)),
                stock=_total(parts, rate),
                options=_total([part for part in parts if part.sec_type in ("OPT", "FOP")], rate),
                futures=_total([part for part in parts if part.sec_type == "FUT"], rate),
                unrealized=sum((row.unrealized_pnl for row in own), Decimal(0)),
                realized=sum((row.realized_pnl for row in own), Decimal(0)),
                rate=rate,
            )
        return figures


def _total(parts: Sequence[Exposure], rate: Decimal) -> Decimal:
    """In the currency that `rate` converts into the base."""
    return sum((part.value for part in parts), Decimal(0)) / rate


def part(request: OrderRequest, contract: Contract, quote: Callable[[int], Quote]) -> Part:
    """The whole of an order that is no combination: at its own price, else at the quote's."""
    quantity = request.quantity if request.side is Side.BUY else -request.quantity
    price = own_price(request)
    if price is None:
        current = quote(contract.conid)
        price = (current.ask if request.side is Side.BUY else current.bid) or _NOTHING
    return Part(contract, quantity, price)


def leg_part(request: OrderRequest, leg: ComboLeg, contract: Contract, current: Quote) -> Part:
    """One leg of a combination, at its own quote: the combination's limit says nothing about it."""
    quantity = leg.signed_ratio * (request.quantity if request.side is Side.BUY else -request.quantity)
    price = current.ask if quantity > 0 else current.bid
    return Part(contract, quantity, price or Decimal(0))


def _value_before(replaced: OrderRequest, current: Part) -> Decimal:
    return replaced.quantity * (own_price(replaced) or current.price)


def own_price(request: OrderRequest) -> Decimal | None:
    """The limit, else the stop; None for an order that takes what comes."""
    kind = kind_of(request.order_type)
    if kind.names_limit:
        return request.limit_price or None
    return request.stop_price or None if kind.auxiliary else None
