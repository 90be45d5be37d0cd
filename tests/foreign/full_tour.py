"""Every call that a client has, one after the other: of a trader, and of an advisor."""

from __future__ import annotations

from typing import Final

from tests.foreign import tour_of_accounts as accounts
from tests.foreign import tour_of_advisors as advisors
from tests.foreign import tour_of_contracts as contracts
from tests.foreign import tour_of_fills as fills
from tests.foreign import tour_of_orders as orders
from tests.foreign import tour_of_past as past
from tests.foreign import tour_of_quotes as quotes
from tests.foreign import tour_of_research as research
from tests.foreign import tour_of_streams as streams
from tests.foreign import tour_of_trading as trading
from tests.foreign import tour_of_windows as windows
from tests.foreign.tour import Tour

GREETINGS: Final = frozenset({2104, 2106, 2158})
"""Of the farms."""
CANCELLED: Final = 202
"""Every order that ends before it has filled is told so."""
UNREADABLE: Final = 505
"""What a client says to itself of a message that it cannot read."""


async def play(tour: Tour) -> None:
    for part in (
        *(trading.session, quotes.witness, contracts.contracts, quotes.quotes),
        *(streams.streams, past.past, research.research),
        *(trading.trading, accounts.accounts, orders.orders, fills.trades, trading.completed),
        *(windows.windows, windows.bulletins, windows.reroutes, windows.hedges, windows.companies, windows.refusals),
    ):
        await part(tour)
    assert surprises(tour) <= ({UNREADABLE} if tour.version < tour.says.reads_completed_from else set())


async def advise(tour: Tour) -> None:
    for part in (advisors.documents, advisors.sharing, advisors.delayed, advisors.binding):
        await part(tour)
    assert not surprises(tour)


def surprises(tour: Tour) -> set[int]:
    """Codes that a request was told and the tour has not waited for."""
    told = tour.says.refusals(tour.app) - tour.provoked
    return {code for _id, code in told} - GREETINGS - {CANCELLED}
