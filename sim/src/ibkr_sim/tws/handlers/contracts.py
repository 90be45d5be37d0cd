"""Contract details, symbol search, price rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ibkr_sim.exchange.listing.contracts import Wanted
from ibkr_sim.exchange.model import Contract, Rejected
from ibkr_sim.tws.answers import contracts as answers
from ibkr_sim.tws.answers.contracts import Sessions
from ibkr_sim.tws.answers.session import SYSTEM
from ibkr_sim.tws.hours import sessions
from ibkr_sim.tws.price_rules import increments, rule_id
from ibkr_sim.tws.refusals import invalid
from ibkr_sim.tws.requests.contracts import ContractDetailsRequest, MarketRuleRequest, MatchingSymbolsRequest
from ibkr_sim.tws.resolution import NOT_FOUND, UNKNOWN, matches, routed
from ibkr_sim.tws.session import Session

MOST_SYMBOLS = 16
_UNLISTED = ("CFD", "WAR", "BOND")
"""What no symbol is looked up for."""


def contract_details(session: Session, request: ContractDetailsRequest) -> None:
    try:
        found = matches(session.market, request.contract)
    except Rejected as refusal:
        session.refuse(request.request_id, refusal)
        return
    if not found:
        session.outlet.error(request.request_id, NOT_FOUND, UNKNOWN)
        return
    session.portions.begin(_details(session, request, found))


def _details(session: Session, request: ContractDetailsRequest, found: Sequence[Contract]) -> Iterator[bytes]:
    today, hours = session.market.now(), dict[tuple[str, str], Sessions]()
    for contract in found:
        exchange, rule = routed(contract, request.contract.exchange), rule_id(contract.min_tick)
        key = contract.primary_exchange, contract.sec_type
        if key not in hours:
            hours[key] = sessions(contract, today)
        write = answers.bond_details if contract.sec_type == "BOND" else answers.contract_details
        yield write(session.version, request.request_id, contract, exchange, hours[key], rule)
    yield answers.contract_details_end(session.version, request.request_id)


def matching_symbols(session: Session, request: MatchingSymbolsRequest) -> None:
    """Symbols that begin with the pattern, then names that hold it. Who asks twice within a second gets no answer."""
    if session.asks_symbols_too_fast():
        return
    pattern = request.pattern.strip().upper()
    known = session.market.find_contracts() if pattern else ()
    everything = [contract for contract in known if contract.sec_type not in _UNLISTED]
    by_symbol = [contract for contract in everything if contract.symbol.upper().startswith(pattern)]
    by_name = [
        contract for contract in everything if pattern in contract.long_name.upper() and contract not in by_symbol
    ]
    found = (by_symbol + by_name)[:MOST_SYMBOLS]
    derived = {contract.conid: _derived(session, contract) for contract in found}
    session.send(answers.symbol_samples(session.version, request.request_id, found, derived))


def _derived(session: Session, contract: Contract) -> list[str]:
    types = {row.sec_type for row in session.market.chains(contract)}
    futures = session.market.search(Wanted(symbol=contract.symbol, sec_type="FUT"))
    if contract.sec_type == "IND" and any(row.under_conid == contract.conid for row in futures):
        types.add("FUT")
    return sorted(types)


def market_rule(session: Session, request: MarketRuleRequest) -> None:
    rule = increments(request.rule_id)
    if rule is None:
        session.outlet.error(SYSTEM, *invalid("Invalid market rule id"))
    else:
        session.send(answers.market_rule(session.version, request.rule_id, rule))
