"""The parts of an order that are lists or blocks: legs, scale, hedge, algorithm, conditions ..."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ibkr_sim.tws.fields import FieldReader, Unreadable, decimal_text, number

Block = tuple[str, ...]
"""Fields in the order of the wire; as `openOrder` repeats them."""

FLAG_WORDS: Final[Mapping[str, str]] = MappingProxyType({"true": "1", "false": "0"})
LONGEST_TEXT: Final = 1024
_INTEGER_RANGE: Final = 1 << 31
_INFINITE: Final = frozenset({"Infinity", "Infinite"})
_CONDITIONS: Final[Mapping[str, str]] = MappingProxyType(
    {"1": "initi", "3": "it", "4": "in", "5": "ttt", "6": "init", "7": "init"}
)
"""Behind type and conjunction: price, time, margin, execution, volume, percent change."""
_NO_ROWS: Final = ("0",)
_LEG: Final = "iittiiti"
_SCALE: Final = "nininni"
_PEG_BENCHMARK: Final = "iinnt"


def integer_text(value: str) -> str:
    """Raises Unreadable."""
    amount = number(FLAG_WORDS.get(value.lower(), value))
    if amount is None:
        return ""
    if amount != int(amount) or abs(amount) >= _INTEGER_RANGE:
        raise Unreadable(f'For input string: "{value[:40]}"')
    return str(int(amount))


def number_text(value: str) -> str:
    """Raises Unreadable."""
    amount = number(value)
    return "" if amount is None else decimal_text(amount)


def short_text(value: str) -> str:
    """Raises Unreadable."""
    if len(value) > LONGEST_TEXT:
        raise Unreadable("a text is too long")
    return value


def combination(fields: FieldReader) -> dict[str, Block]:
    """Legs, their prices, and how they are routed."""
    return {
        "comboLegs": _rows(fields, _LEG),
        "orderComboLegs": _rows(fields, "n"),
        "smartComboRoutingParams": _rows(fields, "tt"),
    }


def scale(fields: FieldReader, increment: str) -> dict[str, Block]:
    """What follows a price increment above 0; a table and two times follow every order."""
    scaled = (number(increment) or 0) > 0
    block = (number_text(increment), *_typed(fields, _SCALE)) if scaled else ()
    fields.skip(3)
    return {"scalePriceIncrement": block} if block else {}


def hedge(fields: FieldReader) -> dict[str, Block]:
    kind = short_text(fields.text())
    return {"hedgeType": (kind, short_text(fields.text()))} if kind else {}


def delta_neutral_contract(fields: FieldReader) -> dict[str, Block]:
    return {"deltaNeutralContract": ("1", *_typed(fields, "inn"))} if fields.flag() else {}


def algorithm(fields: FieldReader) -> dict[str, Block]:
    name = short_text(fields.text())
    return {"algoStrategy": (name, *(_rows(fields, "tt") or _NO_ROWS))} if name else {}


def peg_benchmark(fields: FieldReader, order_type: str) -> dict[str, Block]:
    return {"pegBenchmark": _typed(fields, _PEG_BENCHMARK)} if order_type in {"PEG BENCH", "PEGBENCH"} else {}


def conditions(fields: FieldReader) -> dict[str, Block]:
    """The conditions, then whether they hold outside regular hours and whether they cancel."""
    amount = fields.count()
    rows: list[str] = []
    for _ in range(amount):
        kind = fields.text()
        if kind not in _CONDITIONS:
            raise Unreadable(f"condition type {kind[:40]}")
        rows += [kind, *_typed(fields, "t" + _CONDITIONS[kind])]
    return {"conditions": (str(amount), *rows, *_typed(fields, "ii"))} if amount else {}


def pegs(fields: FieldReader, exchange: str, order_type: str) -> dict[str, str]:
    """What is said of orders at IBKRATS and of those pegged to the best price or to the middle."""
    values: dict[str, str] = {}
    if exchange == "IBKRATS":
        values["minTradeQty"] = integer_text(fields.text())
    middle = order_type == "PEG MID"
    if order_type == "PEG BEST":
        values["minCompeteSize"] = integer_text(fields.text())
        offset = fields.text()
        middle = offset in _INFINITE
        values["competeAgainstBestOffset"] = "Infinity" if middle else number_text(offset)
    if middle:
        values["midOffsetAtWhole"], values["midOffsetAtHalf"] = _typed(fields, "nn")
    return values


def _rows(fields: FieldReader, types: str) -> Block:
    """A list: its length, then its rows; empty when it has none."""
    amount = fields.count()
    return (str(amount), *(value for _ in range(amount) for value in _typed(fields, types))) if amount else ()


def _typed(fields: FieldReader, types: str) -> Block:
    """`i` an integer or flag, `n` a number, `t` text."""
    readers = {"i": integer_text, "n": number_text, "t": short_text}
    return tuple(readers[kind](fields.text()) for kind in types)
