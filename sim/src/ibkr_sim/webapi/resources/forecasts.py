"""Event contracts: there are none here, so the tree is empty and every contract is unknown."""

from __future__ import annotations

from typing import Any

from ibkr_sim.webapi.answers import plain_refusal
from ibkr_sim.webapi.call import Call, Route, Tier


def routes() -> list[Route]:
    contract = "/forecast/contract"
    return [
        Route("GET", "/forecast/category/tree", tree, Tier.BROKERAGE),
        *(
            Route("GET", f"{contract}/{part}", unknown, Tier.BROKERAGE)
            for part in ("market", "rules", "details", "schedules")
        ),
    ]


def tree(_call: Call) -> Any:
    return {"categories": {}}


def unknown(_call: Call) -> Any:
    raise plain_refusal(500, "contract not found")
