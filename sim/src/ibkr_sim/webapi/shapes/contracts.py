"""Contracts under the names of the Web API's several directories."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from ibkr_sim.exchange.model import Contract, Quote
from ibkr_sim.webapi.numbers import decimals, milliseconds, price

COUNTRIES: Final = {"USD": "US", "CHF": "CH", "MXN": "MX"}
ORDER_TYPES: Final = ("limit", "market", "stop", "stop_limit")
PAGE_SIZE: Final = 100


def is_us(contract: Contract) -> bool:
    return contract.sec_type == "STK" and contract.currency == "USD"


def found(contract: Contract) -> dict[str, Any]:
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
        "sections": [section],
    }


def details(contract: Contract) -> dict[str, Any]:
    """One row of secdef/info."""
    return {
        "conid": contract.conid,
        "symbol": contract.symbol,
        "secType": contract.sec_type,
        "exchange": contract.valid_exchanges[0],
        "listingExchange": contract.primary_exchange,
        "right": "?",
        "strike": 0.0,
        "currency": contract.currency,
        "cusip": None,
        "coupon": "No Coupon",
        "desc1": contract.symbol,
        "desc2": contract.local_symbol if contract.sec_type == "CASH" else "",
        "maturityDate": None,
        "multiplier": None,
        "tradingClass": contract.trading_class,
        "validExchanges": ",".join(contract.valid_exchanges),
    }


def information(contract: Contract) -> dict[str, Any]:
    """What /iserver/contract/{conid}/info answers."""
    return {
        "cfi_code": "",
        "symbol": contract.symbol,
        "cusip": None,
        "expiry_full": None,
        "con_id": contract.conid,
        "maturity_date": None,
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
        "underlying_con_id": 0,
        "r_t_h": True,
        "multiplier": None,
        "underlying_issuer": None,
        "contract_month": None,
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
        "orderTypesOutside": ["limit", "stop_limit"],
        "defaultSize": 100,
        "cashSize": 0.0,
        "sizeIncrement": increment,
        "tifTypes": ["IOC/MARKET,LIMIT,a", "GTC/o,a", "DAY/o,a"],
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
        "allOrNoneEligible": False,
        "modTypes": list(ORDER_TYPES),
        "increment": contract.min_tick,
        "incrementDigits": decimals(contract),
    }


def increments(contract: Contract) -> list[dict[str, Any]]:
    return [{"lowerEdge": 0.0, "increment": contract.min_tick}]


def display_rule(contract: Contract) -> dict[str, Any]:
    step = {"decimalDigits": decimals(contract), "lowerEdge": 0.0, "wholeDigits": 4}
    return {"magnification": 0, "displayRuleStep": [step]}


def definition(contract: Contract, now: datetime) -> dict[str, Any]:
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
        "expiry": None,
        "lastTradingDay": None,
        "group": contract.category or None,
        "putOrCall": None,
        "sector": contract.industry or None,
        "sectorGroup": contract.subcategory or None,
        "strike": "0",
        "ticker": contract.symbol,
        "undConid": 0,
        "multiplier": 0.0,
        "type": contract.stock_type or None,
        "hasOptions": False,
        "fullName": contract.local_symbol,
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
