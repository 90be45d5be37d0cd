"""What a user may see of a contract: by its subscription, by the contract's type, by what is open already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ibkr_sim.exchange.model import COMBO, Contract, Rejected
from ibkr_sim.exchange.port import Market
from ibkr_sim.exchange.terms import ComboLeg
from ibkr_sim.reference.venues import SMART
from ibkr_sim.tws.history_rules import HISTORY, HISTORY_ERROR
from ibkr_sim.tws.requests.contracts import ContractQuery
from ibkr_sim.tws.resolution import Purpose, combined, resolve
from ibkr_sim.tws.session import Session
from ibkr_sim.tws.settings import Entitlement

TOO_MANY_LINES, TOO_MANY_DEPTHS, TOO_MANY_TICKS = 101, 309, 10190
_WHERE: Final = (
    ". Requested market data requires additional subscription for API. "
    "See link in 'Market Data Connections' dialog for more details."
)


@dataclass(frozen=True, slots=True)
class Wording:
    """How the refusal of one kind of data begins; `ending` follows where a subscription is missing."""

    code: int
    beginning: str
    ending: str = ""

    def refusal(self, cause: str) -> Rejected:
        return Rejected(self.code, f"{self.beginning}{cause}")


SINGLE_TICKS: Final = Wording(10189, "Failed to request tick-by-tick data.", ".")
REAL_TIME_BARS: Final = Wording(420, "Invalid Real-time Query:", _WHERE)
PAST_BARS: Final = Wording(HISTORY_ERROR, HISTORY, _WHERE)
PAST_TICKS: Final = Wording(10187, "Failed to request historical ticks:")
HISTOGRAM: Final = Wording(10188, "Failed to request histogram data:")


def described(
    market: Market, query: ContractQuery, legs: Sequence[ComboLeg], purpose: Purpose = Purpose.DATA
) -> Contract:
    """As `resolve`; a combination is known by its legs alone. Raises Rejected (200, 321, 478, 10000)."""
    if query.sec_type != COMBO:
        return resolve(market, query, purpose)
    return combined(market, query, legs, purpose)


def is_delayed(session: Session) -> bool:
    return session.house.settings.entitlement is Entitlement.DELAYED


def check_live(session: Session, refusal: Rejected) -> None:
    """Raises `refusal` to a user whose data are delayed: quotes are all that it gets."""
    if is_delayed(session):
        raise refusal


def not_permitted(wording: Wording, contract: Contract, exchange: str) -> Rejected:
    """What IBKR says of data to which a user has not subscribed."""
    venue = contract.primary_exchange if exchange == SMART else exchange
    cause = f"No market data permissions for {venue} {contract.sec_type}"
    return wording.refusal(f"{cause}{wording.ending}")


def check_lines(session: Session) -> None:
    """Raises Rejected (101). Lines are the user's, whichever of its clients opens them."""
    if session.house.in_use(lambda one: one.lines) >= session.house.settings.market_data_lines:
        raise Rejected(TOO_MANY_LINES, "Max number of tickers has been reached")


def check_depth_lines(session: Session) -> None:
    """Raises Rejected (309)."""
    most = session.house.settings.depth_lines
    if session.house.in_use(lambda one: len(one.depth)) >= most:
        raise Rejected(TOO_MANY_DEPTHS, f"Max number ({most}) of market depth requests has been reached")


def check_tick_lines(session: Session) -> None:
    """Raises Rejected (10190)."""
    if session.house.in_use(lambda one: len(one.ticks)) >= session.house.settings.depth_lines:
        raise Rejected(TOO_MANY_TICKS, "Max number of tick-by-tick requests has been reached.")
