"""An advisor's office: its accounts, what it has agreed with itself, and how an order is shared by its clients."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from ibkr_sim.exchange.listing.contracts import Wanted
from ibkr_sim.exchange.model import Rejected
from ibkr_sim.exchange.port import Market
from ibkr_sim.exchange.settings import ADVISOR_PREFIX
from ibkr_sim.reference.option_volatility import middle
from ibkr_sim.tws.advisors import documents
from ibkr_sim.tws.advisors.documents import AdviceKind, Alias, Group, Malformed, Member
from ibkr_sim.tws.refusals import invalid

INVALID_ACCOUNTS, REJECTED = 10231, 201
_FIGURES: Final = {documents.NET_LIQUIDATION: "NetLiquidation", documents.AVAILABLE_EQUITY: "EquityWithLoanValue"}
_OVERRIDING: Final = documents.EQUAL | _FIGURES.keys()
"""Methods that an order may name in place of its group's."""


class Advisory:
    """Shared by all clients of the door, and kept for the life of the simulator."""

    def __init__(self, market: Market, master: str) -> None:
        self._market, self.master = market, master
        members = tuple(Member(account) for account in self.clients)
        self._groups: tuple[Group, ...] = (Group("Everyone", "EqualQuantity", members),)
        self._profiles: tuple[Group, ...] = ()
        self._aliases = tuple(Alias(account, account) for account in self.accounts)

    @property
    def accounts(self) -> Sequence[str]:
        """The advisor's own first."""
        return (self.master, *self.clients)

    @property
    def clients(self) -> Sequence[str]:
        return [account for account in self._market.accounts if account != self.master]

    @property
    def family(self) -> str:
        """The code that all of its accounts have in common."""
        return f"F{self.master.removeprefix(ADVISOR_PREFIX[:2])}"

    def document(self, kind: AdviceKind) -> str:
        if kind is AdviceKind.GROUPS:
            return documents.write_groups(self._groups)
        if kind is AdviceKind.PROFILES:
            return documents.write_profiles(self._profiles)
        return documents.write_aliases(self._aliases)

    def replace(self, kind: AdviceKind, text: str) -> None:
        """All that there was of this kind. Raises Rejected (321 for what is malformed, 10231 for strange accounts)."""
        try:
            self._replace(kind, text)
        except Malformed as error:
            raise Rejected(*invalid(f"Unable to parse FA data: {error}")) from error

    def _replace(self, kind: AdviceKind, text: str) -> None:
        if kind is AdviceKind.GROUPS:
            groups = documents.read_groups(text)
            self._check({group.name: group.accounts for group in groups})
            self._groups = groups
        elif kind is AdviceKind.PROFILES:
            profiles = documents.read_profiles(text)
            self._check({profile.name: profile.accounts for profile in profiles})
            self._profiles = profiles
        else:
            aliases = documents.read_aliases(text)
            self._check({alias.alias: (alias.account,) for alias in aliases})
            self._aliases = aliases

    def _check(self, named: dict[str, tuple[str, ...]]) -> None:
        """Raises Rejected."""
        wrong = [name for name, accounts in named.items() if not set(accounts) <= set(self.accounts)]
        if wrong:
            text = f"The following Groups and/or Profiles contain invalid accounts: {', '.join(wrong)}"
            raise Rejected(INVALID_ACCOUNTS, text)

    def members(self, group: str) -> Sequence[str] | None:
        """None for a group that does not exist."""
        return next((row.accounts for row in self._groups if row.name == group), None)

    def shares(self, group: str, method: str, profile: str) -> tuple[tuple[str, Decimal], ...]:
        """Accounts and weights for an order of a group, or of a profile. Raises Rejected (321, 201)."""
        if group and profile:
            raise Rejected(*invalid("Group and profile cannot be specified together"))
        rows = self._groups if group else self._profiles
        found = next((row for row in rows if row.name == (group or profile)), None)
        if found is None:
            raise Rejected(*invalid(f"Unknown FA {'group' if group else 'profile'}: {(group or profile)[:40]}"))
        if profile:
            return _amounts(found)
        if method and method != found.method and method not in _OVERRIDING:
            raise Rejected(*invalid(f"Invalid FA method: {method[:40]}"))
        return self._weights(found, method or found.method)

    def _weights(self, group: Group, method: str) -> tuple[tuple[str, Decimal], ...]:
        if method in documents.EQUAL:
            return tuple((account, Decimal(1)) for account in group.accounts)
        if method not in _FIGURES:
            if method in ("PctChange", "MonetaryAmount"):
                raise Rejected(REJECTED, f"Order rejected - reason:Not supported by this simulator: {method}.")
            return _amounts(group)
        weights = tuple((account, self._figure(account, _FIGURES[method])) for account in group.accounts)
        if not any(weight for _account, weight in weights):
            raise Rejected(REJECTED, "Order rejected - reason:no account of the group has any equity.")
        return weights

    def _figure(self, account: str, key: str) -> Decimal:
        """In dollars; nothing for an account that owes."""
        row = next(row for row in self._market.account_values(account) if row.key == key)
        return max(Decimal(row.value) * self._dollars(row.currency), Decimal(0))

    def _dollars(self, currency: str) -> Decimal:
        """For one unit. Raises Rejected for a currency whose price in dollars nobody quotes."""
        if currency == "USD":
            return Decimal(1)
        for pair in self._market.search(Wanted(sec_type="CASH")):
            price = middle(self._market.glance(pair.conid)) if "USD" in (pair.symbol, pair.currency) else None
            if price and currency in (pair.symbol, pair.currency):
                return price if pair.symbol == currency else 1 / price
        raise Rejected(REJECTED, f"Order rejected - reason:no exchange rate for {currency}.")


def advisory(market: Market) -> Advisory | None:
    """None where no account is an advisor's."""
    master = next((account for account in market.accounts if account.startswith(ADVISOR_PREFIX)), None)
    return None if master is None else Advisory(market, master)


def _amounts(group: Group) -> tuple[tuple[str, Decimal], ...]:
    return tuple((member.account, member.amount or Decimal(0)) for member in group.members)
