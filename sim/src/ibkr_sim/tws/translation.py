"""From an order as a client wrote it to an order the exchange understands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from ibkr_sim.exchange.model import COMBO, Contract, OrderRequest, Rejected, Side
from ibkr_sim.exchange.orders.families.kinds import KINDS, kind_of
from ibkr_sim.tws.advisors.office import Advisory
from ibkr_sim.tws.refusals import invalid
from ibkr_sim.tws.requests.orders import PlaceOrder
from ibkr_sim.tws.resolution import routed
from ibkr_sim.tws.terms import adjustment, conditions
from ibkr_sim.tws.times import parse_filter

REJECTED, NO_ACCOUNT, NO_ALLOCATION = 201, 435, 436
_BAD_DATE, _CASH_QUANTITY = (391, "Invalid date for GTD."), (10244, "Cash quantity cannot be used for this order.")
_SIDES: Final = {"BUY": Side.BUY, "SELL": Side.SELL, "SSHORT": Side.SELL}
_TYPES: Final = {
    **dict.fromkeys(("STPLMT", "STOP LIMIT"), "STP LMT"),
    **dict.fromkeys(("TRAILLMT", "TRAIL LMT", "TRAILLIMIT"), "TRAIL LIMIT"),
    **dict.fromkeys(("MIDPX", "MID PRICE"), "MIDPRICE"),
    "PEGMID": "PEG MID",
}
"""Other names by which clients call an order type."""
_KNOWN: Final = frozenset(
    {
        *KINDS,
        *(
            "MTL",
            "MKT PRT",
            "STP PRT",
            "PEG MKT",
            "PEGMKT",
            "PEG STK",
            "PEG BENCH",
            "PEG BEST",
            "PEG PRIM",
            "PASSV REL",
        ),
        *("SNAP MKT", "SNAP MID", "SNAP PRIM", "BOX TOP", "VOL", "QUOTE", "TRAIL MIT", "TRAIL LIT", "VWAP", "SCALE"),
        *("REL + MKT", "REL + LMT", "LMT + MKT", "TRAIL REL + MKT", "FUNARI", "MKTCLS", "LMTCLS", "NONE"),
    }
)
"""Types that IBKR knows: what else a client asks for cannot even be read."""
_UNKNOWN_BLOCKS: Final = {
    "scalePriceIncrement": "scale order",
    "hedgeType": "hedge order",
    "deltaNeutralContract": "delta neutral contract",
    "pegBenchmark": "pegged to benchmark",
}
_UNKNOWN_FIELDS: Final = {
    "minQty": "minimum quantity",
    "volatility": "volatility",
    "discretionaryAmt": "discretionary amount",
    "deltaNeutralOrderType": "delta neutral order",
}
"""Terms that change when or how an order trades, which an exchange that ignored them would get wrong."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Of a client: its id, whose accounts it trades, its login's time zone, and the order that its order waits for.

    `advisory` is None where no account is an advisor's.
    """

    client_id: int
    accounts: Sequence[str]
    zone: str
    parent: int = 0
    advisory: Advisory | None = None
    ignores_outside_rth: bool = True
    """Whether only orders that can trade outside regular hours keep the flag that says so."""


def order_request(order: PlaceOrder, contract: Contract, around: Circumstances) -> OrderRequest:
    """Raises Rejected: 201 for what this exchange cannot do, 321, 391, 435, 436, 10244 for what IBKR would not read."""
    _refuse_terms(order)
    side = _SIDES.get(order.fields["action"].upper())
    if side is None:
        raise Rejected(*invalid("Please enter a valid action"))
    kind = order.fields["orderType"].upper()
    order_type = _TYPES.get(kind, kind)
    if order_type not in _KNOWN:
        raise Rejected(*invalid("Invalid order type"))
    trailing = order_type.startswith("TRAIL")
    percent = order.amount("trailingPercent") if trailing else None
    account, shares = _allocation(order, around)
    return OrderRequest(
        account=account,
        conid=contract.conid,
        side=side,
        quantity=order.amount("totalQuantity") or Decimal(0),
        order_type=order_type,
        tif=order.fields["tif"].upper() or "DAY",
        limit_price=order.amount("lmtPrice"),
        stop_price=None if percent is not None else order.amount("auxPrice"),
        outside_rth=_leaves_hours(order, order_type, around),
        order_ref=order.fields["orderRef"],
        client_id=around.client_id,
        order_id=order.order_id,
        exchange=routed(contract, order.contract.exchange),
        wire={**order.fields, **order.blocks},
        trailing_percent=percent,
        trail_stop=order.amount("trailStopPrice") if trailing else None,
        limit_offset=order.amount("lmtPriceOffset"),
        percent_offset=order.amount("percentOffset") or None,
        good_after=_moment(order.fields["goodAfterTime"], around.zone, invalid("Invalid good after time")),
        good_till=_moment(order.fields["goodTillDate"], around.zone, _BAD_DATE),
        all_or_none=order.flag("allOrNone"),
        hidden=order.flag("hidden"),
        display_size=order.amount("displaySize") or None,
        parent=around.parent,
        oca_group=order.fields["ocaGroup"],
        oca_type=int(order.fields["ocaType"] or 0) or 3,
        conditions=conditions(order.blocks.get("conditions", ()), around.zone),
        adjustment=adjustment(order),
        shares=shares,
    )


def _leaves_hours(order: PlaceOrder, order_type: str, around: Circumstances) -> bool:
    """Whether it may trade outside regular hours: whoever opens or closes the day does not, whatever it is told."""
    able = kind_of(order_type).leaves_hours and order.fields["tif"].upper() != "OPG"
    return order.flag("outsideRth") and (able or not around.ignores_outside_rth)


def _refuse_terms(order: PlaceOrder) -> None:
    if order.amount("cashQty"):
        raise Rejected(*_CASH_QUANTITY)
    used = {words for name, words in _UNKNOWN_BLOCKS.items() if name in order.blocks}
    used |= {words for name, words in _UNKNOWN_FIELDS.items() if order.fields[name] not in ("", "0", "None")}
    if used:
        names = ", ".join(sorted(used))
        raise Rejected(REJECTED, f"Order rejected - reason:Not supported by this simulator: {names}.")


def _moment(text: str, zone: str, refusal: tuple[int, str]) -> datetime | None:
    """None when it is not given. Raises Rejected."""
    if not text:
        return None
    moment = parse_filter(text, zone)
    if moment is None:
        raise Rejected(*refusal)
    return moment


def _allocation(order: PlaceOrder, around: Circumstances) -> tuple[str, tuple[tuple[str, Decimal], ...]]:
    """The account an order is booked on, and those that share it. Raises Rejected (321, 435, 436, 201)."""
    office, named = around.advisory, order.fields["account"]
    group, profile = order.fields["faGroup"], order.fields.get("faProfile", "")
    if office is None:
        return _account(named, around.accounts), ()
    if not (group or profile):
        if not named:
            text = "You must specify an allocation (either a single account, group, or profile)."
            raise Rejected(NO_ALLOCATION, text)
        return _account(named, around.accounts), ()
    if named not in ("", office.master):
        raise Rejected(*invalid("Account and group or profile cannot be specified together"))
    if order.contract.sec_type == COMBO or order.flag("whatIf") or order.fields["faPercentage"]:
        terms = "a combination, a preview or a percentage for a group of accounts"
        raise Rejected(REJECTED, f"Order rejected - reason:Not supported by this simulator: {terms}.")
    return office.master, office.shares(group, order.fields["faMethod"], profile)


def _account(named: str, accounts: Sequence[str]) -> str:
    if not named and len(accounts) > 1:
        raise Rejected(NO_ACCOUNT, "You must specify an account.")
    account = named or accounts[0]
    if account not in accounts:
        raise Rejected(*invalid("Invalid account code"))
    return account
