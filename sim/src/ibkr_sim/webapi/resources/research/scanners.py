"""Market scanners: contracts in the order of a figure (Web API: "Scanner")."""

from __future__ import annotations

from typing import Any

from ibkr_sim.reference.scanning import InvalidScan, Scan, Wanted, found, scan
from ibkr_sim.webapi.answers import plain_refusal
from ibkr_sim.webapi.call import Call, Route, Tier
from ibkr_sim.webapi.pacing import Limit
from ibkr_sim.webapi.shapes.scanners import parameters, ran

MOST = 50


def routes() -> list[Route]:
    params, run_ = "/iserver/scanner/params", "/iserver/scanner/run"
    return [
        Route("GET", params, lambda _call: parameters(), Tier.BROKERAGE, Limit(params, 1, 900)),
        Route("POST", run_, run, Tier.BROKERAGE, Limit(run_, 1, 1)),
    ]


def run(call: Call) -> Any:
    instrument, location, code = (str(call.member(name) or "") for name in ("instrument", "location", "type"))
    wanted = chosen_scan(Wanted(instrument, location, code, _filters(call.member("filter"))))
    return ran(wanted.type, found(call.market, wanted)[:MOST])


def chosen_scan(wanted: Wanted) -> Scan:
    """Raises Refused (500) for what no scanner knows."""
    try:
        return scan(wanted)
    except InvalidScan as error:
        raise plain_refusal(500, str(error)) from error


def _filters(rows: object) -> list[tuple[str, object]]:
    """Written as `{"code": ..., "value": ...}`."""
    known = rows if isinstance(rows, list) else []
    return [(str(row.get("code", "")), row.get("value")) for row in known if isinstance(row, dict)]
