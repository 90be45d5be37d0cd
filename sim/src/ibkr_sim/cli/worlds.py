"""Files that make the simulator's world: further contracts, prices that really were, and the faults to come."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from ibkr_sim.control.faults import fault_orders
from ibkr_sim.exchange.listing.catalogue import Row, from_file
from ibkr_sim.exchange.listing.contracts import Contracts
from ibkr_sim.exchange.prices.recording import Recording
from ibkr_sim.faults.injection import FaultOrder
from ibkr_sim.faults.trigger import InvalidFault

_LARGEST_FILE: Final = 1 << 20


def ordered_faults(path: Path | None) -> tuple[FaultOrder, ...]:
    """Raises click.BadParameter for a file that cannot be read, or a fault that does not exist."""
    if path is None:
        return ()
    try:
        with path.open("rb") as file:
            return tuple(fault_orders(json.loads(file.read(_LARGEST_FILE))))
    except InvalidFault as error:
        raise _bad("--faults", f"{path}: {error}") from error
    except (OSError, ValueError, RecursionError) as error:
        raise _bad("--faults", f"{path} cannot be read: {error}") from error


def added_contracts(path: Path | None) -> tuple[Row, ...]:
    """Raises click.BadParameter for a file that cannot be read, or a row that makes no sense."""
    if path is None:
        return ()
    try:
        rows = tuple(from_file(path))
        Contracts(lambda: datetime.now(UTC), rows)
    except (OSError, ValueError) as error:
        raise _bad("--contracts", error) from error
    return rows


def recorded(paths: Sequence[Path]) -> tuple[Recording, ...]:
    """Raises click.BadParameter for a file that cannot be read."""
    if not paths:
        return ()
    from ibkr_sim.replay.recordings import read  # noqa: PLC0415

    try:
        return tuple(read(paths))
    except (OSError, ValueError) as error:
        raise _bad("--replay", error) from error


def _bad(option: str, reason: object) -> click.BadParameter:
    return click.BadParameter(str(reason), param_hint=option)
