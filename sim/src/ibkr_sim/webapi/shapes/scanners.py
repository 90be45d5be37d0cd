"""Scanners' parameters and results, in the shapes of both of IBKR's services."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from ibkr_sim.exchange.model import Contract
from ibkr_sim.reference.scanning import FILTERS, INSTRUMENTS, LOCATIONS, TYPES, ScanType
from ibkr_sim.webapi.numbers import dashed


def parameters() -> dict[str, Any]:
    return {
        "scan_type_list": [
            {"display_name": row.title, "code": row.code, "instruments": list(INSTRUMENTS)} for row in TYPES
        ],
        "instrument_list": [
            {"display_name": title, "type": kind, "filters": [row.code for row in FILTERS]}
            for kind, title in INSTRUMENTS.items()
        ],
        "filter_list": [
            {"group": row.code, "display_name": row.title, "code": row.code, "type": "non-range"} for row in FILTERS
        ],
        "location_tree": [
            {"display_name": title, "type": kind, "locations": _places(kind)} for kind, title in INSTRUMENTS.items()
        ],
    }


def _places(instrument: str) -> list[dict[str, Any]]:
    """The widest place holds the others."""
    first, *others = [(code, title) for code, (kind, title, _exchanges) in LOCATIONS.items() if kind == instrument]
    inner = [{"display_name": title, "type": code, "locations": None} for code, title in others]
    return [{"display_name": first[1], "type": first[0], "locations": inner}]


def ran(kind: ScanType, rows: Sequence[tuple[Contract, Decimal]]) -> dict[str, Any]:
    """The first row alone names the column."""
    contracts = [_row(place, kind, *row) for place, row in enumerate(rows)]
    if contracts:
        contracts[0] = {"server_id": "0", "column_name": kind.column, **contracts[0]}
    return {"contracts": contracts, "scan_data_column_name": kind.column}


def _row(place: int, kind: ScanType, contract: Contract, figure: Decimal) -> dict[str, Any]:
    return {
        "server_id": str(place),
        "symbol": contract.symbol,
        "conidex": str(contract.conid),
        "con_id": contract.conid,
        "available_chart_periods": "#R|1",
        "company_name": contract.long_name,
        "scan_data": kind.written(figure),
        "contract_description_1": contract.local_symbol,
        "listing_exchange": contract.primary_exchange,
        "sec_type": contract.sec_type,
    }


def ran_by_history(rows: Sequence[tuple[Contract, Decimal]], total: int, number: int, now: datetime) -> dict[str, Any]:
    """As the service of historical data tells it: texts alone."""
    time = dashed(now)
    return {
        "total": str(total),
        "size": str(len(rows)),
        "offset": "0",
        "scanTime": time,
        "id": f"scanner{number}",
        "position": f"v1:{number:08d}",
        "Contracts": {
            "Contract": [{"inScanTime": time, "contractID": str(contract.conid)} for contract, _figure in rows]
        },
    }
