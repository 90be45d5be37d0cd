"""What a caller's words may be made of: printable ASCII, because control characters separate fields on IBKR's wire."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

PRINTABLE = r"^[ -~]+$"
NAME = r"^[A-Za-z0-9._-]+$"
ACCOUNT = r"^[A-Za-z0-9]+$"

Symbol = Annotated[str, Field(min_length=1, max_length=32, pattern=PRINTABLE)]
Word = Annotated[str, Field(min_length=1, max_length=16, pattern=NAME)]
"""An exchange, a currency, a kind of security."""
Account = Annotated[str, Field(min_length=1, max_length=32, pattern=ACCOUNT)]
Conid = Annotated[int, Field(strict=True, gt=0, lt=2**31)]
