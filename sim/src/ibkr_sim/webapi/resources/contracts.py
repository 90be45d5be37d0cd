"""Contracts of the brokerage session: search, details, rules, exchange rates."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from ibkr_sim.exchange.model import Contract
from ibkr_sim.webapi.answers import plain_refusal, refusal
from ibkr_sim.webapi.call import Call, Route, Tier
from ibkr_sim.webapi.shapes import contracts as shapes

_STOCKS = "STK"


def routes() -> list[Route]:
    one = "/iserver/contract/{conid}"
    return [
        Route("GET POST", "/iserver/secdef/search", search, Tier.BROKERAGE),
        Route("GET", "/iserver/secdef/strikes", strikes, Tier.BROKERAGE),
        Route("GET", "/iserver/secdef/info", details, Tier.BROKERAGE),
        Route("GET", "/iserver/secdef/bond-filters", bond_filters, Tier.BROKERAGE),
        Route("GET", f"{one}/info", information, Tier.BROKERAGE),
        Route("GET", f"{one}/info-and-rules", information_and_rules, Tier.BROKERAGE),
        Route("POST", "/iserver/contract/rules", rules, Tier.BROKERAGE),
        Route("GET", f"{one}/algos", algorithms, Tier.BROKERAGE),
        Route("GET", "/iserver/currency/pairs", pairs, Tier.BROKERAGE),
        Route("GET", "/iserver/exchangerate", exchange_rate, Tier.BROKERAGE),
    ]


def search(call: Call) -> Any:
    """US listings come first. `name` searches in company names, and does not count as a search for the symbol."""
    wanted = _parameter(call, "symbol")
    if not wanted:
        raise refusal(400, "Bad Request: symbol is missing")
    kind = _parameter(call, "secType") or _STOCKS
    everything = call.market.find_contracts(sec_type=kind) if kind == _STOCKS else ()
    if _parameter(call, "name").lower() == "true":
        return [_short(row) for row in everything if wanted.upper() in row.long_name]
    call.progress.searched.add(wanted.upper())
    found = [row for row in everything if row.symbol == wanted.upper()]
    return [shapes.found(row) for row in sorted(found, key=lambda row: not shapes.is_us(row))]


def strikes(_call: Call) -> Any:
    """No contract here has options; IBKR answers the same where there are none."""
    return {"call": [], "put": []}


def details(call: Call) -> Any:
    contract = _contract(call, call.query.get("conid", ""), 400, "Bad Request: conid is not valid")
    kind = call.query.get("sectype", contract.sec_type)
    if kind not in (contract.sec_type, ""):
        raise plain_refusal(400, "no contracts found")
    if contract.symbol not in call.progress.searched:
        raise plain_refusal(500, "Init session first")
    return [shapes.details(contract)]


def bond_filters(_call: Call) -> Any:
    return {"bondFilters": []}


def information(call: Call) -> Any:
    return shapes.information(_in_path(call, 400))


def information_and_rules(call: Call) -> Any:
    contract = _in_path(call, 400)
    return shapes.information(contract) | {"rules": _rules(call, contract)}


def rules(call: Call) -> Any:
    contract = _contract(call, str(call.member("conid") or ""), 400, "Bad Request: conid is not valid")
    return _rules(call, contract)


def algorithms(call: Call) -> Any:
    _in_path(call, 503)
    return {"algos": []}


def pairs(call: Call) -> Any:
    """An unknown currency has no pairs."""
    currency = call.query.get("currency", "")
    if not currency:
        raise refusal(400, "Bad Request: currency is missing")
    found = [row for row in _pairs(call) if currency in (row.symbol, row.currency)]
    return {currency: [shapes.pair(row, currency) for row in found]}


def exchange_rate(call: Call) -> Any:
    """Units of the target for one of the source, by way of the dollar where there is no pair."""
    source, target = (call.query.get(name, "") for name in ("source", "target"))
    if not (source and target):
        raise refusal(400, "Bad Request: source and target are needed")
    return {"rate": rate(call, source, target)}


def rate(call: Call, source: str, target: str) -> Decimal:
    """Raises Refused (500) where there is none."""
    dollars = {name: _in_dollars(call, name) for name in (source, target)}
    if not all(dollars.values()):
        raise plain_refusal(500, "Exchange rate is not available")
    return (dollars[source] / dollars[target]).quantize(Decimal("0.00000001"))


def _in_dollars(call: Call, currency: str) -> Decimal:
    """0 for a currency without a rate."""
    if currency == "USD":
        return Decimal(1)
    for row in _pairs(call):
        quote = call.market.quote(row.conid) if "USD" in (row.symbol, row.currency) else None
        if quote is None or quote.bid is None or quote.ask is None:
            continue
        middle = (quote.bid + quote.ask) / 2
        if (row.symbol, row.currency) == (currency, "USD"):
            return middle
        if (row.symbol, row.currency) == ("USD", currency):
            return 1 / middle
    return Decimal(0)


def _pairs(call: Call) -> Iterable[Contract]:
    return call.market.find_contracts(sec_type="CASH")


def _rules(call: Call, contract: Contract) -> dict[str, Any]:
    return shapes.rules(contract, call.market.quote(contract.conid), call.market.accounts)


def _short(contract: Contract) -> dict[str, Any]:
    row = shapes.found(contract)
    return {
        name: row[name] for name in ("conid", "companyHeader", "companyName", "symbol", "description", "restricted")
    }


def _parameter(call: Call, name: str) -> str:
    """Of the query, or of the body where it is posted."""
    value = call.query.get(name) if call.method == "GET" else call.member(name)
    return "" if value is None else str(value)


def _in_path(call: Call, status: int) -> Contract:
    return _contract(call, call.arguments["conid"], status, "Bad Request: conid is not valid")


def _contract(call: Call, text: str, status: int, complaint: str) -> Contract:
    """Raises Refused with the status for a conid that does not exist."""
    contract = call.contract(text)
    if contract is None:
        raise refusal(status, complaint if status == 400 else "Service Unavailable")
    return contract
