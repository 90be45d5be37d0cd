"""Ports for processes that are started, killed and started again at one address."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def reserved_port() -> Iterator[int]:
    """A port of loopback at which only who is told of it will listen, however often, until the block ends.

    A socket that is bound and does not listen keeps it: the system gives it to nobody who asks for any port, and on
    Linux a server (SO_REUSEADDR in socket(7)) may listen beside it. Elsewhere the port is free at once, for anybody.
    """
    with socket.socket() as keeper:
        if sys.platform == "linux":
            keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        keeper.bind(("127.0.0.1", 0))
        port: int = keeper.getsockname()[1]
        if sys.platform != "linux":
            keeper.close()
        yield port
