"""Options: what is listed, and calculations on whatever option a client describes."""

from __future__ import annotations

from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from ibkr_sim.exchange.model import Contract, Rejected
from ibkr_sim.reference.black_scholes import Option, implied_volatility, worth
from ibkr_sim.tws.answers import options as answers
from ibkr_sim.tws.refusals import invalid
from ibkr_sim.tws.requests.options import Calculation, OptionParameters
from ibkr_sim.tws.requests.session import Identified
from ibkr_sim.tws.resolution import NOT_FOUND
from ibkr_sim.tws.session import Session

_DIGITS: Final = Decimal("0.000001")
_LEAST: Final = Decimal("0.0001")
_YEAR: Final = 365 * 86_400
_CLOSE: Final = time(16)
_RIGHTS: Final = {"C": True, "CALL": True, "P": False, "PUT": False}


def option_parameters(session: Session, request: OptionParameters) -> None:
    """The exchange lists no options: the list ends where it begins. A stranger's conid is refused."""
    contract = session.market.contract(request.conid)
    if contract is None or (contract.symbol, contract.sec_type) != (request.symbol, request.sec_type):
        session.refuse(request.request_id, Rejected(*invalid("Invalid contract id")))
    else:
        session.send(answers.option_parameters_end(session.version, request.request_id))


def implied(session: Session, request: Calculation) -> None:
    _calculate(session, request, volatility=None)


def price(session: Session, request: Calculation) -> None:
    _calculate(session, request, volatility=request.given)


def cancelled(_session: Session, _request: Identified) -> None:
    """A calculation is answered at once: nothing is left to cancel."""


def _calculate(session: Session, request: Calculation, volatility: Decimal | None) -> None:
    try:
        option = _option(session, request)
        underlying = _positive(request.underlying, "underlying price")
        given = _positive(request.given, "option price" if volatility is None else "volatility")
        used = _implied(option, underlying, given) if volatility is None else float(given)
    except Rejected as refusal:
        session.refuse(request.request_id, refusal)
        return
    found = worth(option, float(underlying), used)
    figures = answers.OptionFigures(
        volatility=_rounded(used),
        delta=_rounded(found.delta),
        price=_rounded(found.price),
        gamma=_rounded(found.gamma),
        vega=_rounded(found.vega),
        theta=_rounded(found.theta),
        underlying=underlying,
    )
    session.send(answers.tick_option_computation(session.version, request.request_id, answers.CUSTOM, figures))


def _implied(option: Option, underlying: Decimal, price: Decimal) -> float:
    """Raises Rejected (321)."""
    found = implied_volatility(option, float(underlying), float(price))
    if found is None:
        raise Rejected(*invalid("No volatility gives this option price"))
    return found


def _option(session: Session, request: Calculation) -> Option:
    """Raises Rejected: 200 for an underlying that is unknown, 321 for a description with gaps."""
    asked = request.contract
    stocks = session.market.find_contracts(symbol=asked.symbol, sec_type="STK") if asked.symbol else ()
    if asked.sec_type != "OPT" or not stocks:
        raise Rejected(NOT_FOUND, "No security definition has been found for the request")
    call = _RIGHTS.get(asked.right.upper())
    if call is None or len(asked.expiry) < 8:
        raise Rejected(*invalid("Please enter right and last trading day of the option"))
    years = _years(asked.expiry[:8], stocks[0], session.market.now())
    return Option(call, float(_positive(asked.strike, "strike")), years)


def _years(day: str, underlying: Contract, now: datetime) -> float:
    """Until the close of the last trading day. Raises Rejected (321)."""
    try:
        date = datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC).date()
    except ValueError:
        raise Rejected(*invalid("Invalid last trading day")) from None
    expires = datetime.combine(date, _CLOSE, ZoneInfo(underlying.time_zone))
    years = (expires - now).total_seconds() / _YEAR
    if years <= 0:
        raise Rejected(*invalid("The option has expired"))
    return years


def _positive(value: Decimal | None, name: str) -> Decimal:
    """Raises Rejected (321)."""
    if value is None or not _LEAST <= value < 10_000_000:
        raise Rejected(*invalid(f"Please enter a valid {name}"))
    return value


def _rounded(value: float) -> Decimal:
    return Decimal(value).quantize(_DIGITS)
