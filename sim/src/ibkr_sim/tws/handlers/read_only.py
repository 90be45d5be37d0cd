"""What the TWS setting "Read-Only API" refuses: whatever places, cancels or shows orders."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from ibkr_sim.tws.answers.session import SYSTEM
from ibkr_sim.tws.fields import FieldReader
from ibkr_sim.tws.refusals import invalid
from ibkr_sim.tws.requests import orders
from ibkr_sim.tws.session import Session


def _nameless(_fields: FieldReader) -> int:
    return SYSTEM


_NAMES: Final[Mapping[int, Callable[[FieldReader], int]]] = MappingProxyType(
    {
        3: lambda fields: fields.integer(),
        4: lambda fields: orders.cancel_order(fields).order_id,
        **dict.fromkeys((5, 15, 16, 21, 58, 99), _nameless),
    }
)
"""By message id, how the refusal's id is found."""


def refused(session: Session, message_id: int, fields: FieldReader) -> bool:
    """Whether the setting stood in the way; then the client has been told (321)."""
    naming = _NAMES.get(message_id)
    if naming is None or not session.house.settings.read_only:
        return False
    session.outlet.error(naming(fields), *invalid("The API interface is currently in Read-Only mode."))
    return True
