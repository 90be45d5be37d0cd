"""What IBKR offers and this simulator does not: each request is refused in IBKR's words, under its own id."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from ibkr_sim.tws.answers.session import SYSTEM
from ibkr_sim.tws.fields import FieldReader
from ibkr_sim.tws.session import Session


@dataclass(frozen=True, slots=True)
class Absent:
    """`id_at`: how many fields precede the request id; None for a request without one. `{id}` in the text is it."""

    id_at: int | None
    code: int
    text: str


ABSENT: Final[Mapping[int, Absent]] = MappingProxyType(
    {
        53: Absent(1, 300, "Can't find EId with tickerId:{id}"),
        100: Absent(0, 10276, "News feed is not allowed."),
        101: Absent(0, 300, "Can't find EId with tickerId:{id}"),
        102: Absent(0, 10276, "News feed is not allowed."),
        103: Absent(0, 300, "Can't find EId with tickerId:{id}"),
    }
)


def refuse(absent: Absent) -> Callable[[Session, FieldReader], None]:
    def handle(session: Session, fields: FieldReader) -> None:
        request_id = SYSTEM
        if absent.id_at is not None:
            fields.skip(absent.id_at)
            request_id = fields.integer()
        session.outlet.error(request_id, absent.code, absent.text.replace("{id}", str(request_id)))

    return handle
