"""Every call that a client has, one after the other."""

from __future__ import annotations

from typing import Final

from tests.foreign import tour_of_data as data
from tests.foreign import tour_of_trading as trading
from tests.foreign.tour import Tour

EXPECTED: Final = frozenset({2104, 2106, 2158, 162, 200, 202, 300, 321, 327, 430, 10276})
"""What the tour itself provokes, and the greetings of the farms."""


async def play(tour: Tour) -> None:
    for part in (
        *(trading.session, data.contracts, data.quotes, data.streams, data.past, data.research, data.options),
        *(trading.trading, trading.brackets, trading.accounts, trading.subscriptions, trading.windows),
        trading.refusals,
    ):
        await part(tour)
    told = {code for _id, code in tour.says.refusals(tour.app)} - EXPECTED
    assert told == ({505} if tour.version < tour.says.reads_completed_from else set())
