"""One process per journal file: a lock of the operating system, gone with the process that held it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ibkr_bridge.storage.errors import JournalLocked
from ibkr_bridge.storage.files import FILE_MODE

if sys.platform == "win32":
    import msvcrt

    _LOCKED_BYTE = 1 << 20  # Windows hides locked bytes from readers: lock one that is never written

    def _take(handle: int) -> None:
        os.lseek(handle, _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        os.lseek(handle, 0, os.SEEK_SET)
else:
    import fcntl

    def _take(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


class FileLock:
    """Held from construction to `release`. The file stays: to remove it would let two processes hold two locks."""

    def __init__(self, path: Path) -> None:
        """Raises JournalLocked with the holder's process id, and OSError when the file cannot be made."""
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT, FILE_MODE)
        try:
            _take(self._handle)
        except OSError as held:
            pid = _holder(self._handle)
            os.close(self._handle)
            who = f"process {pid}" if pid else "another process"
            raise JournalLocked(f"The journal is in use by {who} ({path}).", pid=pid) from held
        os.ftruncate(self._handle, 0)
        os.write(self._handle, str(os.getpid()).encode())

    def release(self) -> None:
        os.close(self._handle)


def file_lock(file: Path) -> FileLock:
    """The lock of this journal's file, beside it. Raises as FileLock does."""
    return FileLock(file.with_name(f"{file.name}.lock"))


def _holder(handle: int) -> int | None:
    os.lseek(handle, 0, os.SEEK_SET)
    text = os.read(handle, 20)
    return int(text) if text.isdigit() else None
