"""Local symbols: how US exchanges name one option (`AAPL  261218C00260000`) or one future (`ESZ6`). Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final

_OPTION: Final = re.compile(r"([A-Z0-9.]{1,6}?) *(\d{6})([CP])(\d{8})", re.ASCII)
_FUTURE: Final = re.compile(r"([A-Z0-9]{1,6}?)([FGHJKMNQUVXZ])(\d{1,2})", re.ASCII)
_MONTHS: Final = "FGHJKMNQUVXZ"
_ROOT: Final = 6
_THOUSAND: Final = Decimal(1000)


@dataclass(frozen=True, slots=True)
class OptionName:
    """`root` is the trading class; `right` is C or P."""

    root: str
    expiry: date
    right: str
    strike: Decimal

    def __str__(self) -> str:
        """As the Options Clearing Corporation writes it (OSI key): the strike in thousandths."""
        strike = int(self.strike * _THOUSAND)
        return f"{self.root:<{_ROOT}}{self.expiry:%y%m%d}{self.right}{strike:08d}"


@dataclass(frozen=True, slots=True)
class FutureName:
    """`root` is the trading class, `year` the last digit or the last two of the contract's year."""

    root: str
    month: int
    year: str

    def means(self, year: int) -> bool:
        return str(year).endswith(self.year)


def option_name(text: str) -> OptionName | None:
    """None for what is no option's name. Blanks between the root and the day may be missing or fewer than six need."""
    found = _OPTION.fullmatch(text.strip().upper())
    if found is None:
        return None
    root, day, right, strike = found.groups()
    try:
        expiry = datetime.strptime(day, "%y%m%d").date()  # noqa: DTZ007  a day
    except ValueError:
        return None
    return OptionName(root, expiry, right, Decimal(strike) / _THOUSAND)


def future_name(text: str) -> FutureName | None:
    """None for what is no future's name."""
    found = _FUTURE.fullmatch(text.strip().upper())
    return None if found is None else FutureName(found[1], _MONTHS.index(found[2]) + 1, found[3])


def of_option(root: str, expiry: date | None, right: str, strike: Decimal | None) -> str:
    """Empty where a part is missing, or where the form has no room for it."""
    if not root or len(root) > _ROOT or expiry is None or right not in ("C", "P") or not strike:
        return ""
    return str(OptionName(root, expiry, right, strike))
