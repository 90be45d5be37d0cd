"""Where a client's description of a contract contradicts the conid that comes with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation
from typing import Final

from ibkr_sim.exchange.model import Contract
from ibkr_sim.tws.fields import UNSET, ascii_text, decimal_text
from ibkr_sim.tws.requests.contracts import ContractQuery

_NO_RIGHT: Final = frozenset({"", "0", "?"})
"""What stands for the right of a contract that has none, in messages that clients take their contracts from."""
_DAY, _MONTH = 8, 6
_Check = tuple[str, str, str, bool]
"""A field's name, what is asked, what the contract has, and whether the two agree."""


def conflicts(contract: Contract, query: ContractQuery) -> Sequence[str]:
    """One clause for each field that contradicts. What is not given contradicts nothing, and an exchange never does."""
    return [
        f"requested {name} {asked[:40]}, in contract {has};"
        for name, asked, has, agrees in _checks(contract, query)
        if not agrees
    ]


def _checks(contract: Contract, query: ContractQuery) -> Iterator[_Check]:
    # Some clients give a future's class for its symbol.
    symbols = (contract.symbol, contract.trading_class) if contract.sec_type == "FUT" else (contract.symbol,)
    yield "symbol", query.symbol, contract.symbol, any(_same(query.symbol, symbol) for symbol in symbols)
    yield "security type", query.sec_type, contract.sec_type, _same(query.sec_type, contract.sec_type)
    yield "currency", query.currency, contract.currency, _same(query.currency, contract.currency)
    day = f"{contract.expiry:%Y%m%d}" if contract.expiry else ""
    yield "expiry", query.expiry, day, _same_end(query.expiry, day, contract.contract_month)
    strike = decimal_text(contract.strike) if contract.strike else ""
    yield "strike", decimal_text(query.strike or Decimal(0)), strike, query.strike in (None, 0, contract.strike)
    yield "right", query.right, contract.right, _same_right(query.right, contract.right)
    multiplier = decimal_text(contract.multiplier) if contract.multiplier else ""
    yield "multiplier", query.multiplier, multiplier, _same_multiplier(query.multiplier, contract)
    yield "local symbol", query.local_symbol, contract.local_symbol, _same(query.local_symbol, contract.local_symbol)
    group = contract.trading_class
    yield "trading class", query.trading_class, group, _same(query.trading_class, group)


def _same(asked: str, has: str) -> bool:
    """Blanks do not count: the clearing house's names of options hold several, which clients drop."""
    return not asked.strip() or _plain(asked) in (_plain(has), _plain(ascii_text(has)))


def _plain(text: str) -> str:
    return "".join(text.split()).upper()


def _same_end(asked: str, day: str, month: str) -> bool:
    """A day may have an hour behind it; a month is the contract's own, or that of its last day."""
    text = asked.strip()
    if len(text) == _MONTH:
        return text in (day[:_MONTH], month)
    return not text or text[:_DAY] == day


def _same_right(asked: str, has: str) -> bool:
    return asked in _NO_RIGHT or asked[:1].upper() == has


def _same_multiplier(asked: str, contract: Contract) -> bool:
    if asked in UNSET:
        return True
    try:
        return Decimal(asked) in (0, contract.factor)
    except InvalidOperation:
        return False
