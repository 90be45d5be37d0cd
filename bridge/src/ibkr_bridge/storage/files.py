"""Private files: made for this user alone, replaced whole or not at all."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from tempfile import mkstemp

FOLDER_MODE = 0o700
FILE_MODE = 0o600


def private_folder(folder: Path) -> None:
    """Make the folder, and those above it, for this user alone; one that is there stays as it is.

    On Windows a new folder inherits the rights of the one above, which in a user's profile are that user's.
    """
    if folder.is_dir():
        return
    private_folder(folder.parent)
    folder.mkdir(mode=FOLDER_MODE, exist_ok=True)


def private_file(path: Path) -> None:
    """Make the file if it is missing, and take it from everybody else."""
    private_folder(path.parent)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, FILE_MODE))
    if sys.platform != "win32" and path.stat().st_mode & 0o077:
        path.chmod(FILE_MODE)


def replace(path: Path, content: bytes) -> None:
    """Put the content in place of the file: after a crash it holds the old or the new, never a mixture."""
    private_folder(path.parent)
    handle, name = mkstemp(dir=path.parent, prefix=f".{path.name}.")  # for this user alone
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def create(path: Path, content: bytes) -> None:
    """Write a file that must not be there yet. Raises FileExistsError."""
    private_folder(path.parent)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), FILE_MODE)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    _sync_folder(path.parent)


def state_folder() -> Path:
    """Where this user's programs keep what is not a document: not beside the journal."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return base / "ibkr-bridge"


def _sync_folder(folder: Path) -> None:
    """Make a new name last; Windows cannot open a folder, and NTFS journals names by itself."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
