"""The broker's back office: account figures, previews, and which orders an account can bear."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from ibkr_sim.exchange.accounts import CurrencyFigures, Statement, account_values, statement
from ibkr_sim.exchange.commissions import commission
from ibkr_sim.exchange.currencies import Rates
from ibkr_sim.exchange.ledger import Ledger
from ibkr_sim.exchange.model import AccountValue, Contract, OrderRequest, Preview, Quote, Side
from ibkr_sim.exchange.previews import check_funds, exposure_after, preview


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

    def preview(self, request: OrderRequest, contract: Contract, current: Quote) -> Preview:
        """`request` must have passed `check_order`. Raises Rejected (201) when funds do not suffice."""
        outcome = self._outcome(request, contract, current)
        check_funds(outcome, self._ledger.account(request.account).base)
        return outcome

    def admit(
        self, request: OrderRequest, contract: Contract, current: Quote, replaced: OrderRequest | None = None
    ) -> None:
        """Raises Rejected (201) when funds do not suffice. What binds no more than what it replaces always passes."""
        if replaced is None or _value(request, current) > _value(replaced, current):
            self.preview(request, contract, current)

    def _outcome(self, request: OrderRequest, contract: Contract, current: Quote) -> Preview:
        value = _value(request, current)
        before, after = self.statement(request.account), self._statement_after(request, contract, current)
        fee, currency = commission(contract, request.quantity, value, self._rates.rate)
        return preview(before, after, (fee, currency), fee * self._rates.rate(currency, before.base))

    def _statement_after(self, request: OrderRequest, contract: Contract, current: Quote) -> Statement:
        """The account as if the whole order had filled at its price."""
        account, price = self._ledger.account(request.account), _expected_price(request, current)
        quantity = request.quantity if request.side is Side.BUY else -request.quantity
        exposures, balances = self._ledger.exposures(account.id), self._ledger.balances(account.id)
        rate = self._rates.rate(contract.currency, account.base)
        cash = quantity * price * rate
        balances[contract.currency] = balances.get(contract.currency, Decimal(0)) - cash
        if contract.sec_type == "CASH":
            balances[contract.symbol] = balances.get(contract.symbol, Decimal(0)) + cash
        else:
            position = self._ledger.position(account.id, contract.conid)
            held, mark = (position.quantity, position.market_price) if position else (Decimal(0), price)
            exposures[contract.conid] = exposure_after(held, mark, quantity, price) * rate
        return statement(account.id, account.base, exposures, balances)

    def _figures(self, account: str) -> dict[str, CurrencyFigures]:
        owner = self._ledger.account(account)
        rows = self._ledger.positions(account)
        currency_of = {row.conid: self._ledger.currency(row.conid) for row in rows}
        figures: dict[str, CurrencyFigures] = {}
        for currency in sorted({*owner.cash, *currency_of.values()}):
            own = [row for row in rows if currency_of[row.conid] == currency]
            figures[currency] = CurrencyFigures(
                cash=owner.cash.get(currency, Decimal(0)),
                stock=sum((row.market_value for row in own), Decimal(0)),
                unrealized=sum((row.unrealized_pnl for row in own), Decimal(0)),
                realized=sum((row.realized_pnl for row in own), Decimal(0)),
                rate=self._rates.rate(currency, owner.base),
            )
        return figures


def _value(request: OrderRequest, current: Quote) -> Decimal:
    return request.quantity * _expected_price(request, current)


def _expected_price(request: OrderRequest, current: Quote) -> Decimal:
    """What a unit would cost: the limit, else the stop, else the quote."""
    if request.order_type in ("LMT", "STP LMT") and request.limit_price is not None:
        return request.limit_price
    if request.order_type == "STP" and request.stop_price is not None:
        return request.stop_price
    price = current.ask if request.side is Side.BUY else current.bid
    return price or Decimal(0)
