"""What a caller's words may be made of: printable ASCII, because control characters separate fields on IBKR's wire."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, Field

PRINTABLE = r"^[ -~]+$"
NAME = r"^[A-Za-z0-9._-]+$"
ACCOUNT = r"^[A-Za-z0-9]+$"

Symbol = Annotated[str, Field(min_length=1, max_length=32, pattern=PRINTABLE)]
Word = Annotated[str, Field(min_length=1, max_length=16, pattern=NAME)]
"""An exchange, a currency, a kind of security."""
Account = Annotated[str, Field(min_length=1, max_length=32, pattern=ACCOUNT)]
Conid = Annotated[int, Field(strict=True, gt=0, lt=2**31)]


def several(least: int, most: int) -> tuple[Any, ...]:
    """The bounds of a list, for Annotated. The lower one is checked last: a wrong item makes no list short."""

    def enough(items: Sequence[object]) -> Sequence[object]:
        if len(items) < least:
            raise ValueError(f"At least {least} are needed, not {len(items)}.")
        return items

    return Field(max_length=most, json_schema_extra={"minItems": least}), AfterValidator(enough)
