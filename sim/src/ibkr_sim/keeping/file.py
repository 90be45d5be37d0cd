"""The state file: written beside itself and then put in place, so that it is whole at any moment."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Final

from ibkr_sim.keeping.values import decoded, encoded

VERSION: Final = 1
State = dict[str, Any]


class StateUnreadable(Exception):
    """The file holds no state, or that of another version."""


def load(path: Path) -> State | None:
    """None when there is no file yet. Raises OSError and StateUnreadable."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    try:
        whole = json.loads(text)
        if whole["version"] != VERSION:
            raise StateUnreadable(f"{path}: the state is of version {whole['version']}, not {VERSION}")
        state: State = decoded(whole["state"])
    except (ValueError, KeyError, TypeError, ArithmeticError) as error:
        raise StateUnreadable(f"{path}: not a state of this simulator ({error!r})") from error
    return state


def written(state: State) -> str:
    """What a file says of a state."""
    return json.dumps({"version": VERSION, "state": encoded(state)}, separators=(",", ":"))


def store(path: Path, text: str) -> None:
    """Raises OSError."""
    beside = path.with_name(f"{path.name}.new")
    with beside.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
