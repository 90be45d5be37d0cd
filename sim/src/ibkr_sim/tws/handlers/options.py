"""Options: what is listed, and calculations on whatever option a client describes."""

from __future__ import annotations

from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from ibkr_sim.exchange.listing.derivatives.values import described
from ibkr_sim.exchange.model import Contract, Rejected
from ibkr_sim.pricing.black_scholes import Option, implied_volatility, worth
from ibkr_sim.tws.answers import options as answers
from ibkr_sim.tws.refusals import invalid
from ibkr_sim.tws.requests.options import Calculation, Exercise, OptionParameters
from ibkr_sim.tws.requests.session import Identified
from ibkr_sim.tws.resolution import NOT_FOUND, resolve
from ibkr_sim.tws.session import Session

_EXERCISE, _LAPSE = 1, 2
_DIGITS: Final = Decimal("0.000001")
_LEAST: Final = Decimal("0.0001")
_YEAR: Final = 365 * 86_400
_CLOSE: Final = time(16)
_RIGHTS: Final = {"C": True, "CALL": True, "P": False, "PUT": False}


def option_parameters(session: Session, request: OptionParameters) -> None:
    """One message for each class and exchange. A stranger's conid is refused."""
    contract = session.market.contract(request.conid)
    if contract is None or (contract.symbol, contract.sec_type) != (request.symbol, request.sec_type):
        session.refuse(request.request_id, Rejected(*invalid("Invalid contract id")))
        return
    for listing in session.market.chains(contract):
        for exchange in listing.exchanges:
            if request.exchange in ("", exchange):
                message = answers.option_parameters(session.version, request.request_id, exchange, listing)
                session.send(message)
    session.send(answers.option_parameters_end(session.version, request.request_id))


def exercise(session: Session, request: Exercise) -> None:
    """Executions and positions tell what came of it."""
    try:
        _exercise(session, request)
    except Rejected as refusal:
        session.refuse(request.request_id, refusal)


def _exercise(session: Session, request: Exercise) -> None:
    """Raises Rejected."""
    contract, quantity = resolve(session.market, request.contract), Decimal(request.quantity)
    if request.account not in session.market.accounts:
        raise Rejected(*invalid("Invalid account code"))
    if request.action == _EXERCISE:
        session.market.exercise(request.account, contract.conid, quantity, override=request.override)
    elif request.action == _LAPSE:
        session.market.lapse(request.account, contract.conid, quantity)
    else:
        raise Rejected(*invalid("Please enter a valid exercise action"))


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
    known = session.market.contract(asked.conid) if asked.conid else None
    if known is not None and known.is_option:
        return described(known, session.market.now())
    found = (session.market.find_contracts(symbol=asked.symbol, sec_type=kind) for kind in ("STK", "IND"))
    stocks = [row for rows in found for row in rows] if asked.symbol else []
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
