"""The audit key: given, or read from its file, which is made when missing."""

from __future__ import annotations

import secrets
from contextlib import suppress
from pathlib import Path

from ibkr_bridge.storage.errors import JournalError
from ibkr_bridge.storage.files import create, state_folder

KEY_BYTES = 32
SHORTEST = 16
"""Bytes; a shorter key could be guessed."""


def default_path() -> Path:
    """In this user's own state folder: not beside the journal."""
    return state_folder() / "audit.key"


def audit_key(secret: str | None, file: Path, *, make: bool = True) -> bytes:
    """The key as given, else the first line of the file, made for this user alone if it is missing and `make` is set.

    Raises JournalError for a key that is too short or a file that cannot be read or made.
    """
    if secret is not None:
        return _checked(secret, "IBKR_SERVICE_AUDIT_KEY")
    try:
        if make and not file.exists():
            with suppress(FileExistsError):  # two processes at once: the first one's key counts
                create(file, secrets.token_hex(KEY_BYTES).encode() + b"\n")
        return _checked(file.read_text(encoding="utf-8"), str(file))
    except (OSError, UnicodeDecodeError) as problem:
        raise JournalError(
            f"The audit key file {file} cannot be used: {problem}.", advice="Set IBKR_SERVICE_AUDIT_KEY_FILE."
        ) from problem


def _checked(text: str, source: str) -> bytes:
    key = text.strip().encode()
    if len(key) < SHORTEST:
        raise JournalError(
            f"The audit key in {source} has fewer than {SHORTEST} bytes.",
            advice="Use a longer one, for instance 64 random hexadecimal digits.",
        )
    return key
