"""IBKR's message codes as one table: what each means for us, and where that is known from.

Sources: "TWS API, Message Codes" is IBKR's page of that name; "observed" was seen on a real gateway.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Effect(StrEnum):
    """What a message does to the thing whose id it carries."""

    LINK_LOST = "link_lost"
    LINK_RESTORED_EMPTY = "link_restored_empty"
    LINK_RESTORED = "link_restored"
    SOCKET_MOVED = "socket_moved"
    CLIENT_ID_USED = "client_id_used"
    FARM = "farm"
    FARM_DOWN = "farm_down"
    """Prices stop, and nothing else says so."""
    FARM_UP = "farm_up"
    NOTE = "note"
    REFUSED = "refused"
    CANCEL_REFUSED = "cancel_refused"
    ALREADY_GONE = "already_gone"


@dataclass(frozen=True, slots=True)
class Code:
    number: int
    effect: Effect
    meaning: str
    source: str = "TWS API, Message Codes"


_ROWS = (
    Code(1100, Effect.LINK_LOST, "The gateway has lost IBKR's servers; orders may still execute there."),
    Code(1101, Effect.LINK_RESTORED_EMPTY, "The link is back and subscriptions are gone: ask for all of them again."),
    Code(1102, Effect.LINK_RESTORED, "The link is back and subscriptions live on."),
    Code(1300, Effect.SOCKET_MOVED, "The API port was changed; this connection ends."),
    Code(326, Effect.CLIENT_ID_USED, "Another program is connected with this client id, or a dead one still holds it."),
    Code(2103, Effect.FARM_DOWN, "A market data farm is disconnected."),
    Code(2104, Effect.FARM_UP, "A market data farm is connected."),
    Code(2105, Effect.FARM, "A historical data farm is disconnected."),
    Code(2106, Effect.FARM, "A historical data farm is connected."),
    Code(2107, Effect.FARM, "A historical data farm is idle and wakes on demand."),
    Code(2108, Effect.FARM, "A market data farm is idle and wakes on demand."),
    Code(2110, Effect.FARM, "The gateway's link to IBKR is broken and is being restored."),
    Code(2119, Effect.FARM, "A market data farm is connecting."),
    Code(2157, Effect.FARM, "The contract farm is disconnected."),
    Code(2158, Effect.FARM, "The contract farm is connected."),
    Code(2100, Effect.NOTE, "Account data was asked for again; the former subscription ended."),
    Code(2101, Effect.NOTE, "Account data is subscribed for another account."),
    Code(110, Effect.REFUSED, "The price is not on the contract's grid of prices."),
    Code(103, Effect.REFUSED, "The order id was used before."),
    Code(104, Effect.REFUSED, "A filled order cannot be changed."),
    Code(105, Effect.REFUSED, "A change does not fit the original order."),
    Code(106, Effect.REFUSED, "The order cannot be transmitted."),
    Code(107, Effect.REFUSED, "The order is incomplete."),
    Code(109, Effect.REFUSED, "The price is too far from the market."),
    Code(111, Effect.REFUSED, "Time in force and order type do not go together."),
    Code(135, Effect.CANCEL_REFUSED, "There is no order with this id."),
    Code(136, Effect.CANCEL_REFUSED, "The order cannot be cancelled."),
    Code(161, Effect.CANCEL_REFUSED, "The order is in a state in which it cannot be cancelled."),
    Code(10147, Effect.CANCEL_REFUSED, "The order to cancel was not found."),
    Code(10148, Effect.CANCEL_REFUSED, "The order to cancel is in a state in which it cannot be."),
    Code(200, Effect.REFUSED, "No contract fits the description, or several do."),
    Code(201, Effect.REFUSED, "The order was rejected; the text says why."),
    Code(203, Effect.REFUSED, "The contract may not be traded in this account."),
    Code(320, Effect.REFUSED, "The request could not be read."),
    Code(321, Effect.REFUSED, "The request is not valid, or the gateway's API is read-only."),
    Code(322, Effect.REFUSED, "The request could not be processed."),
    Code(329, Effect.REFUSED, "The order could not be changed to the new type."),
    Code(354, Effect.REFUSED, "This market data is not subscribed."),
    Code(387, Effect.REFUSED, "The order type is not supported for this contract."),
    Code(434, Effect.REFUSED, "The order size is zero."),
    Code(435, Effect.REFUSED, "An account must be named."),
    Code(460, Effect.REFUSED, "No trading permission."),
    Code(202, Effect.NOTE, "The order was cancelled; its status says so as well."),
    Code(399, Effect.NOTE, "A message about an order that lives on, such as waiting for the exchange to open."),
    Code(404, Effect.NOTE, "Shares are being located for a short sale; the order is held."),
    Code(2109, Effect.NOTE, "outsideRth was ignored; the order lives on."),
    Code(2137, Effect.NOTE, "The order crosses the other side of the market; it lives on."),
    Code(2161, Effect.NOTE, "A price cap was put on the order; it lives on."),
    Code(2168, Effect.NOTE, "A field of the order was ignored; it lives on."),
    Code(2169, Effect.NOTE, "A field of the order was ignored; it lives on."),
    Code(10311, Effect.NOTE, "A directly routed order may cost more; it lives on."),
    Code(10349, Effect.NOTE, "The time in force was taken from a preset; the order lives on.", "observed"),
    Code(10167, Effect.NOTE, "Not subscribed; delayed data follows."),
    Code(2176, Effect.NOTE, "This client is too old for fractional sizes; values are cut.", "observed"),
    Code(101, Effect.REFUSED, "Every market data line is in use."),
    Code(102, Effect.REFUSED, "The request id is in use."),
    Code(300, Effect.ALREADY_GONE, "Nothing goes by this request id any more."),
    Code(310, Effect.ALREADY_GONE, "No depth subscription goes by this id any more."),
    Code(366, Effect.ALREADY_GONE, "No historical request goes by this id any more."),
    Code(162, Effect.REFUSED, "The historical request failed, was cancelled, or has no data."),
    Code(10089, Effect.REFUSED, "The data needs a further subscription for the API."),
    Code(10090, Effect.NOTE, "Part of the data is not subscribed."),
    Code(10091, Effect.NOTE, "Part of the data needs a further subscription for the API."),
    Code(10168, Effect.REFUSED, "Not subscribed, and delayed data is not enabled."),
    Code(10186, Effect.REFUSED, "Not subscribed, and no delayed data exists."),
    Code(10197, Effect.REFUSED, "No market data while another session of this user is logged in.", "observed"),
    Code(100, Effect.NOTE, "More than 50 messages a second were sent."),
)
TABLE: Mapping[int, Code] = {row.number: row for row in _ROWS}


def code_of(number: int) -> Code:
    """The row of a code; 2100 to 2199 are notes by IBKR's own grouping, and what is not known is a refusal."""
    row = TABLE.get(number)
    if row is not None:
        return row
    if 2100 <= number < 2200:
        return Code(number, Effect.NOTE, "A system message.", "TWS API, Message Codes: System Message Codes")
    return Code(number, Effect.REFUSED, "Not in the table; taken as a refusal of what was asked.", "none")
