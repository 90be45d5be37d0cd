"""What an exchange is told before it opens: seed, pace, accounts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from types import MappingProxyType

from ibkr_sim.exchange.listing.catalogue import Row
from ibkr_sim.exchange.model import CorporateAction
from ibkr_sim.exchange.prices.recording import Recording

ACCOUNT_PREFIX = "DU99"
ADVISOR_PREFIX = "DF99"
"""Of the account of an advisor, whose clients the others are."""


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """One simulated account. Raises ValueError for an id that could be mistaken for a real one."""

    id: str
    base: str = "USD"
    cash: Mapping[str, Decimal] = field(default_factory=lambda: MappingProxyType({"USD": Decimal(1_000_000)}))
    """Starting balance by currency."""

    def __post_init__(self) -> None:
        if not self.id.startswith((ACCOUNT_PREFIX, ADVISOR_PREFIX)):
            raise ValueError(f"account {self.id!r}: a simulated account begins with {ACCOUNT_PREFIX}")


def default_accounts() -> tuple[AccountSettings, ...]:
    return (
        AccountSettings("DU9912345"),
        AccountSettings("DU9967890", "CHF", MappingProxyType({"CHF": Decimal(1_000_000)})),
    )


def advisor_account() -> AccountSettings:
    """An advisor's own account, beside those of clients: it holds nothing."""
    return AccountSettings(f"{ADVISOR_PREFIX}00001", "USD", MappingProxyType({"USD": Decimal(0)}))


@dataclass(frozen=True, slots=True)
class ExchangeSettings:
    """Raises ValueError for no or repeated accounts, an advisor without clients, and a step that is not positive."""

    seed: int = 1
    accounts: tuple[AccountSettings, ...] = field(default_factory=default_accounts)
    """One of them may be an advisor's (`advisor_account`); the others are its clients then."""
    step: timedelta = timedelta(milliseconds=250)
    """Simulated time between two prices."""
    time_zone: str = "America/New_York"
    """Where midnight ends the exchange's day."""
    quiet_after: int = 400
    """A jump of more steps publishes only its last quotes; orders still meet every price on the way."""
    always_open: bool = True
    """False keeps orders waiting outside the hours of their exchange."""
    liquidates: bool = True
    """Whether an account whose maintenance margin does not suffice is sold out."""
    corporate_actions: Sequence[CorporateAction] = ()
    replay: Sequence[Recording] = ()
    """Prices that contracts follow instead of those of the seed."""
    contracts: Sequence[Row] = ()
    """Further contracts, as rows in the columns of the catalogue's own."""
    shortable: Mapping[int, Decimal] = field(default_factory=dict)
    """Shares that can be borrowed, by conid; without end where none are named."""
    most_working_orders: int = 0
    """In one contract, on one side, of one account; 0 for as many as come. IBKR says 20 ("Order Limitations")."""

    def __post_init__(self) -> None:
        ids = [account.id for account in self.accounts]
        if not ids or len(set(ids)) != len(ids):
            raise ValueError("accounts must be given, each once")
        clients = [name for name in ids if not name.startswith(ADVISOR_PREFIX)]
        if not clients or len(ids) - len(clients) > 1:
            raise ValueError("there can be one advisor, and not without clients")
        if self.step <= timedelta(0):
            raise ValueError("the step must be longer than nothing")
