"""The high-water mark: how far the journal had come, kept where whoever cuts the journal does not reach it."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import msgspec

from ibkr_bridge.storage.errors import JournalError
from ibkr_bridge.storage.files import replace, state_folder


@dataclass(frozen=True, slots=True)
class Mark:
    """The journal's last event as of one batch ago at worst; `chain` is its seal."""

    journal_id: str
    seq: int
    chain: str


def default_path(place: str) -> Path:
    """One file per journal, in this user's own state folder. `place` is the journal's, without a password."""
    return state_folder() / "marks" / f"{sha256(place.encode()).hexdigest()[:16]}.json"


def write(path: Path, mark: Mark) -> None:
    """Replace the mark on disk. Raises OSError."""
    replace(path, msgspec.json.encode(mark) + b"\n")


def read(path: Path) -> Mark | None:
    """None where there is no mark. Raises JournalError for one that cannot be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Mark)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as problem:
        raise JournalError(
            f"The journal's high-water mark {path} cannot be read: {problem}.",
            advice="Restore it; without it nobody can tell whether the journal's end was cut off.",
        ) from problem
