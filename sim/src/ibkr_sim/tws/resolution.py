"""From a client's description of a contract to the one contract it means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import Enum, auto
from typing import Final

from ibkr_sim.exchange.listing.contracts import REMEMBERED, Wanted
from ibkr_sim.exchange.model import Contract, Rejected
from ibkr_sim.exchange.port import Market
from ibkr_sim.exchange.terms import ComboLeg
from ibkr_sim.tws.conflicts import conflicts
from ibkr_sim.tws.fields import number
from ibkr_sim.tws.refusals import invalid
from ibkr_sim.tws.requests.contracts import ContractQuery

NOT_FOUND, CONFLICT = 200, 478
UNKNOWN: Final = "No security definition has been found for the request"
SMART: Final = "SMART"
_BY_CLASS: Final = ("FUT", "OPT", "FOP", "WAR")
"""Of which expiry, strike, right, multiplier and class are looked at."""
_ENDING: Final = ("FUT", "OPT", "FOP")
_FUTURE, _CONTINUOUS, _BOTH = "FUT", "CONTFUT", "FUT+CONTFUT"
_TYPES: Final = frozenset(
    {
        *("STK", "OPT", "FUT", "IND", "FOP", "CASH", "BAG", "WAR", "IOPT"),
        *("BOND", "CMDTY", "NEWS", "FUND", "CFD", "CRYPTO"),
    }
)
_OTHER_TYPES: Final = {"ETF": "STK"}
_OTHER_NAMES: Final = {"ISLAND": "NASDAQ"}
"""Names that exchanges once had, and that clients still use."""


class Purpose(Enum):
    """What a contract is described for."""

    DETAILS = auto()
    DATA = auto()
    HISTORY = auto()
    ORDER = auto()


def matches(market: Market, query: ContractQuery) -> Sequence[Contract]:
    """A conid alone decides; without it every criterion given does. A combination is known by its legs alone.

    The continuous future is the front month under a security type of its own. Raises Rejected (321).
    """
    if not query.conid:
        _check_type(query, Purpose.DETAILS)
        return _described(market, query)
    contract = _of_conid(market, query.conid)
    if contract is None:
        return ()
    continuous = (query.sec_type, contract.sec_type) == (_CONTINUOUS, _FUTURE)
    return (replace(contract, sec_type=_CONTINUOUS) if continuous else contract,)


def resolve(market: Market, query: ContractQuery, purpose: Purpose = Purpose.DATA) -> Contract:
    """Raises Rejected: 200 for what fits no contract, or more than one, and for an exchange where it does not trade,
    321 for a description with gaps, 478 for one that contradicts its conid.
    """
    _check_type(query, purpose)
    _check_exchange(query, purpose)
    if query.conid:
        return _identified(market, query, purpose)
    found = _described(market, query)
    if not found:
        raise Rejected(NOT_FOUND, UNKNOWN)
    if len(found) > 1:
        name = query.symbol or query.local_symbol or query.sec_id
        raise Rejected(NOT_FOUND, f"The contract description specified for {name} is ambiguous.")
    # Whoever asks for the continuous future's past is told the front month's.
    return replace(found[0], sec_type=_FUTURE) if found[0].sec_type == _CONTINUOUS else found[0]


def combined(
    market: Market, query: ContractQuery, legs: Sequence[ComboLeg], purpose: Purpose = Purpose.DATA
) -> Contract:
    """The combination of these legs. Raises Rejected as `resolve` does, and as `Market.combination` does."""
    _check_exchange(query, purpose)
    contract = market.combination(query.symbol, query.currency, legs)
    for leg in contract.legs:
        part = market.contract(leg.conid)
        if part is not None:
            _check_venue(part, query.exchange)
    return contract


def routed(contract: Contract, asked: str) -> str:
    """The exchange a contract is shown under: the one asked for, else SMART where it routes there."""
    for name in (asked, _OTHER_NAMES.get(asked)):
        if name in contract.valid_exchanges:
            return name
    return SMART if SMART in contract.valid_exchanges else contract.primary_exchange


def _check_exchange(query: ContractQuery, purpose: Purpose) -> None:
    """Data and orders need an exchange even where the conid is known. Raises Rejected (321)."""
    if not query.exchange:
        raise Rejected(*invalid("Missing order exchange" if purpose is Purpose.ORDER else "Please enter exchange"))


def _check_venue(contract: Contract, asked: str) -> None:
    """Raises Rejected (200) for an exchange where a contract does not trade.

    SMART passes: a currency pair has no smart routing, yet clients name SMART when all they know is the conid.
    """
    if not {asked, _OTHER_NAMES.get(asked)} & {SMART, contract.primary_exchange, *contract.valid_exchanges}:
        raise Rejected(NOT_FOUND, "Invalid destination exchange specified")


def _check_type(query: ContractQuery, purpose: Purpose) -> None:
    """Who knows the conid need not know the type. Raises Rejected (321)."""
    asked = query.sec_type.upper() if query.conid else query.sec_type
    known = bool(query.conid and not asked) or asked in _TYPES or asked in _OTHER_TYPES
    continuous = asked == _CONTINUOUS and purpose in (Purpose.DETAILS, Purpose.HISTORY)
    if not (known or continuous or (asked == _BOTH and purpose is Purpose.DETAILS)):
        raise Rejected(*invalid("Please enter a valid security type"))


def _identified(market: Market, query: ContractQuery, purpose: Purpose) -> Contract:
    """Raises Rejected (200, 478)."""
    contract = _of_conid(market, query.conid)
    if contract is None or _is_gone(market, contract, query, purpose):
        raise Rejected(NOT_FOUND, UNKNOWN)
    sec_type = _OTHER_TYPES.get(query.sec_type.upper(), query.sec_type)
    sec_type = _FUTURE if sec_type == _CONTINUOUS else sec_type
    clauses = conflicts(contract, replace(query, sec_type=sec_type))
    if clauses:
        text = "Parameters in request conflicts with contract parameters received by contract id:"
        raise Rejected(CONFLICT, f"{text} {' '.join(clauses)}")
    _check_venue(contract, query.exchange)
    return contract


def _is_gone(market: Market, contract: Contract, query: ContractQuery, purpose: Purpose) -> bool:
    """Whether it ended before today. The past of futures is kept for a while, for who says that they may have ended;
    an order is refused by the exchange itself.
    """
    today = market.now().date()
    if contract.sec_type not in _ENDING or contract.expiry is None or contract.expiry >= today:
        return False
    kept = contract.sec_type == _FUTURE and query.include_expired and contract.expiry >= today - REMEMBERED
    return purpose is Purpose.DATA or (purpose is Purpose.HISTORY and not kept)


def _of_conid(market: Market, conid: int) -> Contract | None:
    contract = market.contract(conid)
    return None if contract is None or contract.legs else contract


def _described(market: Market, query: ContractQuery) -> Sequence[Contract]:
    if query.sec_type not in (_CONTINUOUS, _BOTH):
        return _searched(market, query)
    continuous = _continuous(market, query)
    listed = _searched(market, replace(query, sec_type=_FUTURE)) if query.sec_type == _BOTH else ()
    return (*continuous, *listed)


def _continuous(market: Market, query: ContractQuery) -> Sequence[Contract]:
    """The nearest month of every future that fits; which month a client names says nothing of it."""
    any_month = replace(query, sec_type=_FUTURE, expiry="", local_symbol="", include_expired=False)
    nearest: dict[str, Contract] = {}
    for contract in _searched(market, any_month):
        nearest.setdefault(contract.trading_class, contract)
    return [
        replace(contract, sec_type=_CONTINUOUS)
        for contract in nearest.values()
        if query.local_symbol in ("", contract.local_symbol)
    ]


def _searched(market: Market, query: ContractQuery) -> Sequence[Contract]:
    sec_type = _OTHER_TYPES.get(query.sec_type, query.sec_type)
    derived = sec_type in _BY_CLASS
    by_id = bool(query.sec_id_type and query.sec_id)
    if not (query.symbol or query.local_symbol or by_id or (derived and query.trading_class)):
        return ()
    return market.search(
        Wanted(
            symbol=query.symbol,
            sec_type=sec_type,
            exchange=_OTHER_NAMES.get(query.exchange, query.exchange),
            primary_exchange=_OTHER_NAMES.get(query.primary_exchange, query.primary_exchange),
            currency=query.currency,
            local_symbol=query.local_symbol,
            trading_class=query.trading_class if derived else "",
            expiry=query.expiry if derived else "",
            strike=query.strike or None if derived else None,
            right=query.right[:1].upper() if derived else "",
            multiplier=_plain_number(query.multiplier) if derived else "",
            security_id=(query.sec_id_type.upper(), query.sec_id.upper()) if by_id else None,
            expired=query.include_expired,
        )
    )


def _plain_number(text: str) -> str:
    """Empty for what is no number."""
    value = number(text)
    return "" if value is None else f"{value:f}"
