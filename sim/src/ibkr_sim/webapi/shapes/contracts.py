"""Contracts under the names of the Web API's several directories."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from ibkr_sim.exchange.model import Contract, Quote
from ibkr_sim.webapi.numbers import decimals, milliseconds, price

COUNTRIES: Final = {"USD": "US", "CHF": "CH", "MXN": "MX"}
ORDER_TYPES: Final = (
    *("limit", "midprice", "market", "stop", "stop_limit", "mit", "lit", "trailing_stop", "trailing_stop_limit"),
    *("relative", "marketonclose", "limitonclose"),
)
_OUTSIDE: Final = ("limit", "stop_limit", "lit", "trailing_stop_limit", "relative")
_TIMES: Final = ("IOC/MARKET,LIMIT,a", "GTC/o,a", "OPG/LIMIT,MARKET,a", "GTD/o,a", "DAY/o,a")
PAGE_SIZE: Final = 100


def is_us(contract: Contract) -> bool:
    return contract.sec_type == "STK" and contract.currency == "USD"


def found(contract: Contract, derived: Iterable[dict[str, Any]] = ()) -> dict[str, Any]:
    """One row of secdef/search; the conid is text here, and a currency is not told."""
    venue = contract.primary_exchange
    section = {"secType": contract.sec_type}
    if not is_us(contract):
        section["exchange"] = f"{venue};"
    return {
        "conid": str(contract.conid),
        "companyHeader": f"{contract.long_name} - {venue}",
        "companyName": contract.long_name,
        "symbol": contract.symbol,
        "description": venue,
        "restricted": None,
        "sections": [section, *derived],
    }


def section(sec_type: str, days: Iterable[date], exchanges: Iterable[str]) -> dict[str, Any]:
    """What follows a contract that was searched for: months, the nearest first, and where it trades."""
    months = dict.fromkeys(month(one) for one in sorted(days))
    return {"secType": sec_type, "months": ";".join(months), "exchange": ";".join(exchanges)}


def month(one: date) -> str:
    """`JAN27`."""
    return f"{one:%b%y}".upper()


def day(contract: Contract) -> str | None:
    return f"{contract.expiry:%Y%m%d}" if contract.expiry else None


def factor(contract: Contract) -> str | None:
    return f"{contract.multiplier.normalize():f}" if contract.multiplier else None


def described(contract: Contract) -> str:
    """`JAN 05 '24 195 Put` of an option, `MAR 20 '26` of a future; else nothing."""
    if contract.sec_type == "CASH":
        return contract.local_symbol
    if contract.expiry is None or contract.sec_type == "BOND":
        return ""
    when = f"{contract.expiry:%b %d '%y}".upper()
    right = {"C": "Call", "P": "Put"}.get(contract.right, "")
    return f"{when} {contract.strike.normalize():f} {right}" if contract.strike else when


def full_name(contract: Contract) -> str:
    """`SPX AUG2024 5555 P [SPX 240816P05555000 100]` of an option, else its local symbol."""
    if not contract.is_option or contract.expiry is None or contract.strike is None:
        return contract.local_symbol
    when, strike = f"{contract.expiry:%b%Y}".upper(), f"{contract.strike.normalize():f}"
    code = " ".join(contract.local_symbol.split())
    return f"{contract.symbol} {when} {strike} {contract.right} [{code} {factor(contract)}]"


def future(contract: Contract, last_traded: date) -> dict[str, Any]:
    """One row of /trsrv/futures; days are numbers here."""
    cut = int(f"{last_traded:%Y%m%d}")
    return {
        "symbol": contract.symbol,
        "conid": contract.conid,
        "underlyingConid": contract.under_conid,
        "expirationDate": int(day(contract) or 0),
        "ltd": cut,
        "shortFuturesCutOff": cut,
        "longFuturesCutOff": cut,
    }


def details(contract: Contract) -> dict[str, Any]:
    """One row of secdef/info."""
    return {
        "conid": contract.conid,
        "symbol": contract.symbol,
        "secType": contract.sec_type,
        "exchange": contract.valid_exchanges[0],
        "listingExchange": None if contract.is_option else contract.primary_exchange,
        "right": contract.right or "?",
        "strike": float(contract.strike or 0),
        "currency": contract.currency,
        "cusip": None,
        "coupon": "No Coupon",
        "desc1": contract.symbol,
        "desc2": described(contract),
        "maturityDate": day(contract),
        "multiplier": factor(contract),
        "tradingClass": contract.trading_class,
        "validExchanges": ",".join(contract.valid_exchanges),
    }


def information(contract: Contract) -> dict[str, Any]:
    """What /iserver/contract/{conid}/info answers."""
    return {
        "cfi_code": "",
        "symbol": contract.symbol,
        "cusip": None,
        "expiry_full": contract.contract_month or None,
        "con_id": contract.conid,
        "maturity_date": day(contract),
        "industry": contract.industry or None,
        "instrument_type": contract.sec_type,
        "has_related_contracts": False,
        "trading_class": contract.trading_class,
        "valid_exchanges": ",".join(contract.valid_exchanges),
        "allow_sell_long": False,
        "is_zero_commission_security": False,
        "local_symbol": contract.local_symbol,
        "contract_clarification_type": None,
        "classifier": None,
        "currency": contract.currency,
        "text": None,
        "underlying_con_id": contract.under_conid,
        "r_t_h": True,
        "multiplier": factor(contract),
        "underlying_issuer": None,
        "contract_month": month(contract.expiry) if contract.expiry else None,
        "company_name": contract.long_name,
        "smart_available": "SMART" in contract.valid_exchanges,
        "exchange": contract.valid_exchanges[0],
        "category": contract.category or None,
    }


def rules(contract: Contract, quote: Quote, accounts: Sequence[str]) -> dict[str, Any]:
    """What may be ordered, and how."""
    at = quote.last or quote.bid or Decimal(0)
    increment = int(contract.size_increment)
    return {
        "algoEligible": False,
        "overnightEligible": False,
        "costReport": False,
        "canTradeAcctIds": list(accounts),
        "error": None,
        "orderTypes": list(ORDER_TYPES),
        "ibAlgoTypes": [],
        "fraqTypes": [],
        "forceOrderPreview": False,
        "cqtTypes": [],
        "orderDefaults": {"LMT": {"LP": price(at, contract)}},
        "orderTypesOutside": list(_OUTSIDE),
        "defaultSize": 100,
        "cashSize": 0.0,
        "sizeIncrement": increment,
        "tifTypes": list(_TIMES),
        "tifDefaults": {"TIF": "DAY", "SIZE": "100.00", "PMALGO": False},
        "limitPrice": at,
        "stopprice": at,
        "orderOrigination": None,
        "preview": True,
        "displaySize": None,
        "fraqInt": 0,
        "cashCcy": contract.currency,
        "cashQtyIncr": 500,
        "priceMagnifier": None,
        "negativeCapable": False,
        "incrementType": 1,
        "incrementRules": increments(contract),
        "hasSecondary": True,
        "allOrNoneEligible": True,
        "modTypes": list(ORDER_TYPES),
        "increment": contract.min_tick,
        "incrementDigits": decimals(contract),
    }


def increments(contract: Contract) -> list[dict[str, Any]]:
    return [{"lowerEdge": 0.0, "increment": contract.min_tick}]


def display_rule(contract: Contract) -> dict[str, Any]:
    step = {"decimalDigits": decimals(contract), "lowerEdge": 0.0, "wholeDigits": 4}
    return {"magnification": 0, "displayRuleStep": [step]}


def definition(contract: Contract, now: datetime, *, has_options: bool = False) -> dict[str, Any]:
    """One row of /trsrv/secdef."""
    return {
        "incrementRules": increments(contract),
        "displayRule": display_rule(contract),
        "conid": contract.conid,
        "currency": contract.currency,
        "time": milliseconds(now) % 1000,
        "chineseName": entities(contract.long_name),
        "allExchanges": ",".join(contract.valid_exchanges[1:] or contract.valid_exchanges),
        "listingExchange": contract.primary_exchange,
        "countryCode": COUNTRIES.get(contract.currency, "US"),
        "name": contract.long_name,
        "assetClass": contract.sec_type,
        "expiry": day(contract),
        "lastTradingDay": day(contract),
        "group": contract.category or None,
        "putOrCall": contract.right or None,
        "sector": contract.industry or None,
        "sectorGroup": contract.subcategory or None,
        "strike": f"{contract.strike.normalize():f}" if contract.strike else "0",
        "ticker": contract.symbol,
        "undConid": contract.under_conid,
        "multiplier": float(contract.multiplier or 0),
        "type": contract.stock_type or None,
        "hasOptions": has_options,
        "fullName": full_name(contract),
        "isUS": is_us(contract),
        "isEventContract": False,
        "pageSize": PAGE_SIZE,
    }


def listings(contracts: Iterable[Contract]) -> list[dict[str, Any]]:
    """Companies of one symbol, each with the places where it is listed (/trsrv/stocks)."""
    companies: dict[str, dict[str, Any]] = {}
    for contract in contracts:
        company = companies.setdefault(
            contract.long_name,
            {
                "name": contract.long_name,
                "chineseName": entities(contract.long_name),
                "assetClass": "STK",
                "contracts": [],
            },
        )
        place = {"conid": contract.conid, "exchange": contract.primary_exchange, "isUS": is_us(contract)}
        company["contracts"].append(place)
    return list(companies.values())


def pair(contract: Contract, currency: str) -> dict[str, Any]:
    """One row of /iserver/currency/pairs: `EUR.USD` stands under `USD`, with the other currency named."""
    other = contract.symbol if contract.currency == currency else contract.currency
    return {"symbol": contract.local_symbol, "conid": contract.conid, "ccyPair": other}


def entities(name: str) -> str:
    """IBKR writes this name in HTML entities."""
    return "".join(f"&#x{ord(letter):X};" for letter in name)
