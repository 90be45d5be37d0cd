"""Regulatory snapshots: the best quote of all US exchanges at once, for a fee each (Web API: "Regulatory Snapshot")."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from ibkr_sim.exchange.model import Contract, Quote
from ibkr_sim.webapi.answers import plain_refusal
from ibkr_sim.webapi.call import Call, Route, Tier
from ibkr_sim.webapi.numbers import price
from ibkr_sim.webapi.resources.accounts import chosen
from ibkr_sim.webapi.shapes.contracts import is_us
from ibkr_sim.webapi.shapes.snapshot import FIELDS, View

CURRENCY: Final = "USD"
BITS: Final = {"Q": 512, "N": 4, "P": 2048}
"""Exchanges as bits of a number, by their letter."""


def routes() -> list[Route]:
    return [Route("GET", "/md/regsnapshot", snapshot, Tier.BROKERAGE)]


def snapshot(call: Call) -> Any:
    """The fee is taken from the selected account's ledger, also of a paper account; a refusal is free."""
    contract = call.contract(call.query.get("conid", ""))
    forbidden = call.session.signed and call.house.settings.paper_restrictions
    if forbidden or contract is None or not is_us(contract):
        raise plain_refusal(400, "Bad Request: regulatory snapshots are not permitted")
    quote = call.market.quote(contract.conid)
    fee = call.house.settings.regulatory_snapshot_fee
    if fee:
        call.market.charge(chosen(call)[0], fee, CURRENCY)
    return _told(contract, quote)


def _told(contract: Contract, quote: Quote) -> dict[str, Any]:
    """Prices are texts here, sizes whole numbers; what is not known is left out."""
    letter = str(FIELDS["7057"](View(contract, quote)))
    bit = BITS.get(letter, 0)
    prices = {"84": quote.bid, "86": quote.ask, "31": quote.last}
    sizes = {"88": quote.bid_size, "85": quote.ask_size, "7059": quote.last_size}
    return {
        "conid": contract.conid,
        "conidEx": str(contract.conid),
        "sizeMinTick": 1.0,
        "BboExchange": "9c",
        "HasDelayed": False,
        "BestBidExch": bit,
        "BestAskExch": bit,
        "LastExch": bit,
        **{field: price(value, contract) for field, value in prices.items() if value is not None},
        **{field: _whole(value) for field, value in sizes.items() if value is not None},
        **dict.fromkeys(("7057", "7068", "7058"), letter),
    }


def _whole(value: Decimal) -> int:
    return int(value)
