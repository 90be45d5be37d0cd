"""Contracts of the brokerage session: search, details, rules, exchange rates."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from ibkr_sim.exchange.listing.contracts import Wanted
from ibkr_sim.exchange.model import Contract
from ibkr_sim.exchange.port import Market
from ibkr_sim.exchange.prices.tape import INDEX
from ibkr_sim.webapi.answers import plain_refusal, refusal
from ibkr_sim.webapi.call import Call, Route, Tier
from ibkr_sim.webapi.shapes import contracts as shapes

_STOCKS = "STK"
_SEARCHED = ("STK", "IND", "BOND", "CRYPTO", "CMDTY", "FUND", "CFD", "WAR")
_DERIVED = ("OPT", "FOP", "FUT")


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
    kind = _parameter(call, "secType")
    kinds = (kind,) if kind in _SEARCHED else () if kind else (_STOCKS, INDEX)
    everything = [row for one in kinds for row in call.market.find_contracts(sec_type=one)]
    if _parameter(call, "name").lower() == "true":
        return [_short(row) for row in everything if wanted.upper() in row.long_name]
    call.progress.searched.add(wanted.upper())
    found = [row for row in everything if row.symbol == wanted.upper()]
    ordered = sorted(found, key=lambda row: not shapes.is_us(row))
    return [shapes.found(row, _sections(call.market, row)) for row in ordered]


def strikes(call: Call) -> Any:
    """Empty for a month that is none, and for who has not searched for the symbol."""
    under = _contract(call, call.query.get("conid", ""), 400, "Bad Request: conid is not valid")
    kind, month = call.query.get("sectype", ""), call.query.get("month", "")
    exchange, found = call.query.get("exchange", ""), dict[Decimal, None]()
    for listing in call.market.chains(under) if under.symbol in call.progress.searched else ():
        listed = any(shapes.month(day) == month for day in listing.expiries)
        if listing.sec_type == kind and listed and exchange in ("", *listing.exchanges):
            found |= dict.fromkeys(listing.strikes)
    return {"call": sorted(found), "put": sorted(found)}


def details(call: Call) -> Any:
    """The contract itself, or what follows it: one row for each that fits."""
    contract = _contract(call, call.query.get("conid", ""), 400, "Bad Request: conid is not valid")
    kind = call.query.get("sectype", contract.sec_type)
    if kind not in (contract.sec_type, "", *_DERIVED):
        raise plain_refusal(400, "no contracts found")
    if contract.symbol not in call.progress.searched:
        raise plain_refusal(500, "Init session first")
    rows = [contract] if kind in (contract.sec_type, "") else _following(call, contract, kind)
    if not rows:
        raise plain_refusal(400, "no contracts found")
    return [shapes.details(row) for row in rows]


def _following(call: Call, under: Contract, kind: str) -> list[Contract]:
    """Options or futures of the asked month, by strike and right where they are given."""
    wanted = _of_month(call.query.get("month", ""))
    strike, right = call.query.get("strike", ""), call.query.get("right", "")
    try:
        price = Decimal(strike) if strike and kind != "FUT" else None
    except InvalidOperation:
        raise refusal(400, "Bad Request: strike is not valid") from None
    found = call.market.search(
        Wanted(symbol=under.symbol, sec_type=kind, expiry=wanted, strike=price or None, right=right)
    )
    followed = (under.conid, under.under_conid)
    return [row for row in found if row.under_conid in followed or _root(call, row) == under.conid]


def _root(call: Call, option: Contract) -> int:
    """The index under the future under an option."""
    future = call.market.contract(option.under_conid)
    return future.under_conid if future is not None else 0


def _of_month(text: str) -> str:
    """`JAN27` as `202701`. Raises Refused."""
    try:
        return f"{datetime.strptime(text, '%b%y'):%Y%m}"  # noqa: DTZ007  a month
    except ValueError:
        raise plain_refusal(400, "no contracts found") from None


def _sections(market: Market, contract: Contract) -> list[dict[str, Any]]:
    """What follows a contract: options, futures and their options, a contract for difference, combinations."""
    rows = [
        shapes.section(kind, [day for row in listings for day in row.expiries], listings[0].exchanges)
        for kind in ("OPT", "FOP")
        if (listings := [row for row in market.chains(contract) if row.sec_type == kind])
    ]
    futures = [
        row
        for row in market.search(Wanted(symbol=contract.symbol, sec_type="FUT"))
        if row.under_conid == contract.conid and row.expiry is not None
    ]
    if futures:
        days = [row.expiry for row in futures if row.expiry is not None]
        rows.append(shapes.section("FUT", days, futures[0].valid_exchanges))
    for row in market.search(Wanted(symbol=contract.symbol, sec_type="CFD")):
        if shapes.is_us(contract):
            rows.append({"secType": "CFD", "exchange": "SMART", "conid": str(row.conid)})
    return [*rows, {"secType": "BAG", "legSecType": "STK"}] if shapes.is_us(contract) else rows


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
