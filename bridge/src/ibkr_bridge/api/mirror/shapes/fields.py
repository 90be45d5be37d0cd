"""Market data by IBKR's numbers of fields (Web API v1.0, "Market Data Fields"): those that a live line knows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from ibkr_bridge.api.json import exact
from ibkr_bridge.api.mirror.shapes.numbers import abbreviated, grouped, milliseconds, price
from ibkr_bridge.domain.account import Seen
from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.domain.quote import DataType, Quote

_AVAILABILITY: Final[Mapping[DataType | None, str]] = {
    DataType.LIVE: "RpB",
    DataType.DELAYED: "DPB",
    DataType.FROZEN: "ZpB",
    DataType.DELAYED_FROZEN: "YPB",
}
_STALE: Final = "ZpB"
"""What is no longer fed is as good as frozen."""
Reader = Callable[[Contract, Quote], Any]


def _price(name: str) -> Reader:
    return lambda contract, quote: _shown(getattr(quote, name), lambda value: price(value, contract))


def _size(name: str) -> Reader:
    return lambda _contract, quote: _shown(getattr(quote, name), grouped)


def _text(name: str) -> Reader:
    return lambda contract, _quote: getattr(contract, name) or None


def _shown(value: Decimal | None, write: Callable[[Decimal], str]) -> str | None:
    return None if value is None else write(value)


def _change(_contract: Contract, quote: Quote) -> str | None:
    return None if quote.last is None or quote.close is None else f"{quote.last - quote.close:.2f}"


def _change_percent(_contract: Contract, quote: Quote) -> str | None:
    return None if quote.last is None or not quote.close else f"{(quote.last - quote.close) / quote.close * 100:.2f}%"


_FIELDS: Final[Mapping[str, Reader]] = MappingProxyType(
    {
        "31": _price("last"),
        "55": _text("symbol"),
        "70": _price("high"),
        "71": _price("low"),
        "82": _change,
        "83": _change_percent,
        "84": _price("bid"),
        "85": _size("ask_size"),
        "86": _price("ask"),
        "87": lambda _contract, quote: _shown(quote.volume, abbreviated),
        "88": _size("bid_size"),
        "6004": _text("exchange"),
        "6008": lambda contract, _quote: contract.conid,
        "6070": _text("sec_type"),
        "7051": _text("name"),
        "7059": _size("last_size"),
        "7094": lambda contract, _quote: f"{contract.conid}@{contract.exchange}",
        "7219": _text("local_symbol"),
        "7221": _text("primary_exchange"),
        "7295": _price("open"),
        "7741": _price("close"),
        "7762": lambda _contract, quote: _shown(quote.volume, lambda value: f"{value:.0f}"),
    }
)
_NUMBERS: Final[Mapping[str, str]] = {
    "31": "last",
    "70": "high",
    "71": "low",
    "84": "bid",
    "85": "ask_size",
    "86": "ask",
    "87": "volume",
    "88": "bid_size",
    "7059": "last_size",
    "7295": "open",
    "7741": "close",
    "7762": "volume",
}
_MARKS: Final = frozenset({"6119", "6508", "6509"})
"""Told with every row, asked for or not."""


def unknown(fields: Iterable[str]) -> list[str]:
    """Those that only IBKR can tell."""
    return [name for name in fields if name not in _FIELDS and name not in _MARKS]


def identity(conid: int) -> dict[str, Any]:
    """All that is told of a contract without prices."""
    return {"conid": conid, "conidEx": str(conid)}


def row(contract: Contract, seen: Seen[Quote], fields: Iterable[str]) -> dict[str, Any]:
    """A field without a value is left out."""
    told = {name: _FIELDS[name](contract, seen.value) for name in fields if name in _FIELDS}
    return {
        **identity(contract.conid),
        "_updated": milliseconds(seen.as_of),
        "server_id": "q0",
        "6119": "q0",
        "6509": _STALE if seen.stale else _AVAILABILITY.get(seen.value.data_type, "RpB"),
        **{name: value for name, value in told.items() if value is not None},
    }


def numbers(seen: Seen[Quote], fields: Iterable[str]) -> dict[str, Any]:
    """By field, as numbers; null where there is none."""
    return {name: exact(getattr(seen.value, _NUMBERS[name])) for name in fields if name in _NUMBERS}
