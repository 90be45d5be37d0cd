"""Query parameters that several rooms take."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from ibkr_bridge.api.text import ACCOUNT

OneAccount = Annotated[
    str | None,
    Query(
        max_length=32,
        pattern=ACCOUNT,
        description="Whose; without it the configured account, else the only one.",
        examples=["DU123456"],
    ),
]
AnyAccount = Annotated[
    str | None,
    Query(
        max_length=32, pattern=ACCOUNT, description="Whose; without it every visible account.", examples=["DU123456"]
    ),
]
