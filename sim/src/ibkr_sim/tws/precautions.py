"""What TWS itself minds about an order before IBKR sees it: what it refuses, and what it warns of."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from ibkr_sim.exchange.model import Contract, OrderRequest, Rejected, Side
from ibkr_sim.reference.venues import SMART
from ibkr_sim.tws.requests.orders import PlaceOrder
from ibkr_sim.tws.resolution import routed
from ibkr_sim.tws.settings import TwsSettings

DIRECTLY_ROUTED: Final = 10311
_IGNORED: Final = (
    "Order Event Warning:Attribute 'Outside Regular Trading Hours' is ignored based on the order type and destination. "
    "PlaceOrder is now being processed."
)
HOURS_IGNORED: Final = (2109, _IGNORED)
CROSSES_SIDES: Final = (2137, "The closing order quantity is greater than your current position.")
_WITHDRAWN: Final = (
    ("eTradeOnly", 10268, "EtradeOnly"),
    ("firmQuoteOnly", 10269, "FirmQuoteOnly"),
    ("nbboPriceCap", 10270, "NbboPriceCap"),
)


def check(order: PlaceOrder, contract: Contract, settings: TwsSettings) -> None:
    """Raises Rejected: 10268 to 10270 for attributes that are no more, 10311 for an order past smart routing."""
    for field, code, name in _WITHDRAWN if settings.refuses_withdrawn_attributes else ():
        if order.amount(field):
            raise Rejected(code, f"The '{name}' order attribute is not supported.")
    exchange = routed(contract, order.contract.exchange)
    if settings.refuses_direct_routing and exchange != SMART and SMART in contract.valid_exchanges:
        text = (
            f"This order will be directly routed to {exchange}. Direct routed orders may result in higher trade fees. "
            "Restriction is specified in Precautionary Settings of Global Configuration/API."
        )
        raise Rejected(DIRECTLY_ROUTED, text)


def warnings(
    request: OrderRequest, held: Decimal, settings: TwsSettings, filled: Decimal = Decimal(0)
) -> Iterator[tuple[int, str]]:
    """Code and text of each, about an order that goes its way; `held` is the account's position in the contract."""
    if request.wire.get("outsideRth") == "1" and not request.outside_rth:
        yield HOURS_IGNORED
    if settings.warns_of_crossing and _crosses(request.side, request.quantity - filled, held):
        yield CROSSES_SIDES


def _crosses(side: Side, quantity: Decimal, held: Decimal) -> bool:
    """Whether it would turn a long position into a short one, or the other way."""
    against = held if side is Side.SELL else -held
    return 0 < against < quantity
