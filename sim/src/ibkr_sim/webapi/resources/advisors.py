"""Groups, presets and models of financial advisors, refused: every account here is an individual's."""

from __future__ import annotations

from typing import Any, Final

from ibkr_sim.webapi.answers import plain_refusal
from ibkr_sim.webapi.call import Call, Route, Tier

_MODELS: Final = """
    list summary positions accounts-details invest-divest invest-divest-positions save submit-transfers
"""


def routes() -> list[Route]:
    allocation = "/iserver/account/allocation"
    return [
        Route("GET", f"{allocation}/accounts", refuse, Tier.BROKERAGE),
        Route("GET POST PUT", f"{allocation}/group", refuse, Tier.BROKERAGE),
        Route("POST", f"{allocation}/group/single", refuse, Tier.BROKERAGE),
        Route("POST", f"{allocation}/group/delete", refuse, Tier.BROKERAGE),
        Route("GET POST", f"{allocation}/presets", refuse, Tier.BROKERAGE),
        Route("POST", "/iserver/account/orders/{group}", refuse, Tier.BROKERAGE),
        *(Route("POST", f"/fa/model/{part}", refuse) for part in _MODELS.split()),
        Route("POST", "/fa/fa-preset/get", refuse),
        Route("POST", "/fa/fa-preset/save", refuse),
    ]


def refuse(call: Call) -> Any:
    raise plain_refusal(call.house.unsettled.no_advisor_status, "Account is not a financial advisor's")
