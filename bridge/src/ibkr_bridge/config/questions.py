"""The policy file for IBKR's questions: read, and printed as a template with every question that is known."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from ibkr_bridge.domain.questions import Policy, Verdict

KNOWN: Mapping[str, str] = MappingProxyType(
    {
        "o163": "The price is more than 3 % away from the market.",
        "o354": "There is no market data for this contract.",
        "o382": "The price is off the contract's tick by more than the limit.",
        "o383": "The order is larger than the size limit.",
        "o403": "The order will most likely trigger and fill at once.",
        "o451": "The order's worth is more than the total value limit.",
        "o2136": "A mixed allocation order.",
        "o2137": "A cross side order.",
        "o2165": "Fractions do not trade outside regular hours.",
        "o10082": "The bond was called.",
        "o10138": "The change of size is larger than the limit.",
        "o10151": "The risk of a market order.",
        "o10152": "A stop order becomes a market order.",
        "o10153": "A cap on the price is mandatory.",
        "o10164": "A cash quantity is filled as well as it can be.",
        "o10223": "An order for an amount of money.",
        "o10288": "A market order for crypto assets.",
        "o10331": "The risk of a stop order.",
        "o10332": "Crypto assets at OSL.",
        "o10333": "An option exercise at the money.",
        "o10334": "An omnibus account.",
        "o10335": "Rapid entry.",
        "o10336": "Limited liquidity.",
        "p6": "The order is distributed over several accounts.",
        "p12": "IBKR's price management algorithm.",
    }
)
"""IBKR's message ids (Web API, "Suppressible Message IDs"), each with what it is about."""


def read(path: Path | None) -> Policy:
    """The policy in a file; without one nothing is answered unasked. Raises ValueError, naming what is wrong."""
    if path is None:
        return Policy()
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise ValueError(f"{path}: cannot be read: {problem}") from problem
    rows = found.get("questions")
    if set(found) != {"questions"} or not isinstance(rows, dict):
        raise ValueError(f"{path}: must hold one table, [questions]; see `ibkr-bridge default-questions`")
    return Policy(MappingProxyType(dict(_verdicts(path, rows))))


def template() -> str:
    """A policy file that answers nothing yet."""
    lines = (f'# {name} = "allow"   # {text}' for name, text in KNOWN.items())
    return "\n".join(
        (
            "# What to answer when IBKR asks before it takes an order: allow or refuse, by IBKR's message id.",
            "# What is not named here is asked of the caller. Use it with IBKR_SERVICE_QUESTIONS_FILE.",
            "[questions]",
            *lines,
        )
    )


def _verdicts(path: Path, rows: Mapping[str, object]) -> Iterator[tuple[str, Verdict]]:
    for name, word in rows.items():
        if word not in tuple(Verdict):
            raise ValueError(f"{path}: {name} is {word!r}; write allow or refuse")
        yield name, Verdict(str(word))
