"""Contracts: IBKR's directories at the Web API, what the engine finds at TWS."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from ibkr_bridge.api.json import exact
from ibkr_bridge.api.mirror import passing
from ibkr_bridge.api.mirror.answers import Refusal
from ibkr_bridge.api.mirror.call import Call
from ibkr_bridge.api.mirror.entry import Entry, answered, passed
from ibkr_bridge.api.mirror.shapes.numbers import digits
from ibkr_bridge.domain.contract import Contract, ContractQuery
from ibkr_bridge.domain.errors import NotSupported, UnknownContract

_HOUR: Final = 3600.0
_MINUTE: Final = 60.0
_MOST: Final = 200
_SEARCH: Final = "/iserver/secdef/search"
_COUNTRIES: Final = {"USD": "US", "CHF": "CH", "GBP": "GB", "JPY": "JP", "CAD": "CA", "MXN": "MX"}


def entries() -> list[Entry]:
    one, static = "/iserver/contract/{conid}", "Kept; its age is in the header `Age`."
    return [
        answered("GET POST", _SEARCH, search, "IBKR's answer at the Web API, the engine's at TWS; by POST too."),
        passed("GET", "/iserver/secdef/strikes", "The search that IBKR wants first is made.", keep=_MINUTE),
        passed("GET", "/iserver/secdef/info", "The search that IBKR wants first is made.", keep=_MINUTE),
        passed("GET", "/iserver/secdef/bond-filters", static, keep=_HOUR),
        passed("GET", f"{one}/info", static, tws=information, keep=_HOUR),
        passed("GET", f"{one}/info-and-rules", static, keep=_MINUTE),
        passed("POST", "/iserver/contract/rules", static, keep=_MINUTE, reads=True),
        passed("GET", f"{one}/algos", static, keep=_HOUR),
        passed("GET", "/iserver/currency/pairs", static, keep=_HOUR),
        passed("GET", "/iserver/exchangerate"),
        passed("GET", "/trsrv/secdef", static, tws=definitions, keep=_HOUR),
        passed("POST", "/trsrv/secdef", static, tws=definitions, keep=_HOUR, reads=True),
        passed("GET", "/trsrv/stocks", static, tws=stocks, keep=_HOUR),
        passed("GET", "/trsrv/futures", static, keep=_HOUR),
        passed("GET", "/trsrv/all-conids", static, keep=_HOUR),
        passed("GET", "/trsrv/secdef/schedule", static, keep=_HOUR),
        passed("GET", "/contract/trading-schedule", static, keep=_HOUR),
    ]


async def search(call: Call) -> Any:
    names = ("symbol", "name", "secType", "more", "fund", "fundFamilyConidEx", "pattern", "referrer")
    given = {name: call.query.get(name, call.member(name)) for name in names}
    query = {name: str(value) for name, value in given.items() if value not in (None, False, "")}
    if query.get("name", "").lower() in ("true", "false"):
        query["name"] = query["name"].lower()
    if not query.get("symbol"):
        raise Refusal(400, "Bad Request: symbol is missing")
    try:
        return passing.reply(call, await passing.ask(call, "GET", _SEARCH, query, keep=_MINUTE))
    except NotSupported:
        return await _search(call, query)


async def information(call: Call) -> Any:
    contract = await _contract(call, call.arguments["conid"])
    return {
        "symbol": contract.symbol,
        "con_id": contract.conid,
        "instrument_type": contract.sec_type,
        "trading_class": contract.trading_class,
        "local_symbol": contract.local_symbol,
        "currency": contract.currency,
        "company_name": contract.name,
        "exchange": contract.exchange,
        "multiplier": exact(contract.multiplier),
    }


async def definitions(call: Call) -> Any:
    posted = call.member("conids")
    texts = [str(conid) for conid in posted] if isinstance(posted, list) else call.query.get("conids", "").split(",")
    if not 0 < len(texts) <= _MOST or not any(texts):
        raise Refusal(400, f"Bad Request: conids must be 1 to {_MOST}")
    found = []
    for text in texts:
        try:
            found.append(await _contract(call, text))
        except (UnknownContract, Refusal):
            continue
    return {"secdef": [_definition(contract) for contract in found]}


async def stocks(call: Call) -> Any:
    symbols = [symbol.strip().upper() for symbol in call.query.get("symbols", "").split(",") if symbol.strip()]
    if not symbols:
        raise Refusal(400, "Bad Request: symbols are missing")
    return {symbol: _listings(await _found(call, symbol, "STK")) for symbol in symbols}


async def _search(call: Call, query: dict[str, str]) -> Any:
    if query.get("name") == "true":
        raise NotSupported("TWS finds contracts by symbol, not by a company's name.", advice="Search by symbol.")
    found = await _found(call, query["symbol"].upper(), query.get("secType", "STK").upper())
    return [
        {
            "conid": str(contract.conid),
            "companyHeader": f"{contract.name} - {contract.primary_exchange}",
            "companyName": contract.name,
            "symbol": contract.symbol,
            "description": contract.primary_exchange,
            "restricted": None,
            "sections": [{"secType": contract.sec_type}],
        }
        for contract in found
    ]


async def _found(call: Call, symbol: str, sec_type: str) -> Sequence[Contract]:
    """Every listing, those in the United States first, as at IBKR."""
    query = ContractQuery(symbol=symbol, sec_type=sec_type, exchange="", currency="")
    found = {contract.conid: contract for contract in await call.engine.mirror.contracts(query)}
    return sorted(found.values(), key=lambda contract: not _is_us(contract))


async def _contract(call: Call, text: str) -> Contract:
    if not text.isdecimal() or len(text) > 10:
        raise Refusal(400, "Bad Request: conid is not valid", code=UnknownContract.code)
    return await call.engine.mirror.contract(int(text))


def _definition(contract: Contract) -> dict[str, Any]:
    step = {"decimalDigits": digits(contract), "lowerEdge": 0.0, "wholeDigits": 4}
    tick = exact(contract.min_tick)
    return {
        "incrementRules": [] if tick is None else [{"lowerEdge": 0.0, "increment": tick}],
        "displayRule": {"magnification": 0, "displayRuleStep": [step]},
        "conid": contract.conid,
        "currency": contract.currency,
        "allExchanges": contract.exchange,
        "listingExchange": contract.primary_exchange,
        "countryCode": _COUNTRIES.get(contract.currency),
        "name": contract.name,
        "assetClass": contract.sec_type,
        "ticker": contract.symbol,
        "fullName": contract.local_symbol,
        "multiplier": exact(contract.multiplier),
        "isUS": _is_us(contract),
        "pageSize": 100,
    }


def _listings(contracts: Iterable[Contract]) -> list[dict[str, Any]]:
    companies: dict[str, dict[str, Any]] = {}
    for contract in contracts:
        company = companies.setdefault(
            contract.name, {"name": contract.name, "chineseName": None, "assetClass": "STK", "contracts": []}
        )
        place = {"conid": contract.conid, "exchange": contract.primary_exchange, "isUS": _is_us(contract)}
        company["contracts"].append(place)
    return list(companies.values())


def _is_us(contract: Contract) -> bool:
    return contract.sec_type == "STK" and contract.currency == "USD"
