"""Messages about contracts: descriptions, symbols, price rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from ibkr_sim.exchange.model import Contract
from ibkr_sim.tws.fields import FieldWriter, Value
from ibkr_sim.tws.versions import (
    BOND_HOURS,
    CONTRACT_SIZE_RULES,
    FUND_DETAILS,
    INELIGIBILITY_REASONS,
    ISSUER_ID,
    LAST_TRADE_DATE,
)

_SIZE_MIN_TICK_ONLY = 163
_AGGREGATE_GROUP = 1
_FUND = ("", "", "", "", "", "", 0, 0, 0, "", "", "", "", "", "", "", "")
"""Name, family, type, loads, fees, closed or not, amounts, states, policies: none of it is known."""


@dataclass(frozen=True, slots=True)
class Sessions:
    """Hours as TWS writes them: `20260105:0930-20260105:1600;20260110:CLOSED`."""

    trading: str
    liquid: str


_UNLISTED: Final = frozenset({"OPT", "FUT", "CONTFUT", "FOP", "IND", "CASH"})
"""Types of which IBKR names no primary exchange."""


def contract_fields(contract: Contract, exchange: str, *, right: str = "") -> tuple[Value, ...]:
    """The eleven fields that describe a contract in orders, executions and positions."""
    return (
        contract.conid,
        contract.symbol,
        contract.sec_type,
        expiry(contract),
        contract.strike or "0",
        contract.right or right,
        contract.multiplier,
        exchange,
        contract.currency,
        contract.local_symbol,
        contract.trading_class,
    )


def expiry(contract: Contract) -> str:
    """The last trading day; a bond's maturity is told in its details alone."""
    return f"{contract.expiry:%Y%m%d}" if contract.expiry and contract.sec_type != "BOND" else ""


def contract_details(
    version: int, request_id: int, contract: Contract, exchange: str, sessions: Sessions, rule_id: int
) -> bytes:
    writer = FieldWriter(10, version).before(CONTRACT_SIZE_RULES, 8).add(request_id)
    day = expiry(contract)
    writer.add(contract.symbol, contract.sec_type, day).since(LAST_TRADE_DATE, day)
    writer.add(contract.strike or "0", contract.right, exchange, contract.currency, contract.local_symbol)
    writer.add(contract.trading_class, contract.trading_class, contract.conid, contract.min_tick)
    writer.before(CONTRACT_SIZE_RULES, 1).add(contract.multiplier)
    writer.add(",".join(contract.order_types), ",".join(contract.valid_exchanges), 1, contract.under_conid)
    # IBKR's clients read this one field as escapes, so a backslash in a name is doubled.
    writer.add(
        contract.long_name.replace("\\", "\\\\"), "" if contract.sec_type in _UNLISTED else contract.primary_exchange
    )
    writer.add(contract.contract_month if day else "")
    writer.add(contract.industry, contract.category, contract.subcategory, contract.time_zone)
    writer.add(sessions.trading, sessions.liquid, "", "0")
    _security_ids(writer, contract)
    rules = ",".join([str(rule_id)] * len(contract.valid_exchanges))
    writer.add(_AGGREGATE_GROUP, contract.under_symbol, contract.under_sec_type, rules, day, contract.stock_type)
    if version == _SIZE_MIN_TICK_ONLY:
        writer.add(contract.size_increment)
    _sizes(writer, contract)
    if contract.sec_type == "FUND":
        writer.since(FUND_DETAILS, *_FUND)
    return writer.since(INELIGIBILITY_REASONS, 0).frame()


def bond_details(
    version: int, request_id: int, contract: Contract, exchange: str, sessions: Sessions, rule_id: int
) -> bytes:
    """Coupon and ratings are not told: only a bond's description names them."""
    writer = FieldWriter(18, version).before(CONTRACT_SIZE_RULES, 6).add(request_id)
    writer.add(contract.symbol, contract.sec_type, "", 0, f"{contract.expiry:%Y%m%d}" if contract.expiry else "")
    writer.add("", "", "", "", 0, 0, 0, "", exchange, contract.currency, contract.trading_class)
    writer.add(contract.trading_class, contract.conid, contract.min_tick).before(CONTRACT_SIZE_RULES, 1)
    writer.add(",".join(contract.order_types), ",".join(contract.valid_exchanges), "", "", 0, "")
    writer.add(contract.long_name).since(BOND_HOURS, contract.time_zone, sessions.trading, sessions.liquid)
    writer.add("", "0")
    _security_ids(writer, contract)
    writer.add(_AGGREGATE_GROUP, ",".join([str(rule_id)] * len(contract.valid_exchanges)))
    _sizes(writer, contract)
    return writer.frame()


def _sizes(writer: FieldWriter, contract: Contract) -> None:
    step = contract.size_increment
    writer.since(CONTRACT_SIZE_RULES, step, step, max(step, Decimal(100) * step))


def _security_ids(writer: FieldWriter, contract: Contract) -> None:
    if contract.isin:
        writer.add(1, "ISIN", contract.isin)
    else:
        writer.add(0)


def contract_details_end(version: int, request_id: int) -> bytes:
    return FieldWriter(52, version).add(1, request_id).frame()


def symbol_samples(
    version: int, request_id: int, contracts: Sequence[Contract], derived: Mapping[int, Sequence[str]]
) -> bytes:
    """`derived` names the security types that follow a contract, by its conid."""
    writer = FieldWriter(79, version).add(request_id, len(contracts))
    for contract in contracts:
        writer.add(contract.conid, contract.symbol, contract.sec_type, contract.primary_exchange, contract.currency)
        types = derived.get(contract.conid, ())
        writer.add(len(types), *types)
        writer.since(ISSUER_ID, contract.long_name, "")
    return writer.frame()


def market_rule(version: int, rule_id: int, increments: Sequence[tuple[Decimal, Decimal]]) -> bytes:
    writer = FieldWriter(93, version).add(rule_id, len(increments))
    for low_edge, increment in increments:
        writer.add(low_edge, increment)
    return writer.frame()
