"""Ports that stay ours, and sockets that listen before their server is loaded: who connects early just waits."""

from __future__ import annotations

import asyncio
import importlib
import socket
import sys
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar


class Server(Protocol):
    async def start(self, listener: socket.socket) -> None:
        """Answer at a socket that listens already; `close` closes it."""
        ...

    async def close(self) -> None: ...


Loaded = TypeVar("Loaded", bound=Server)


class NotOpened(Exception):
    """A server could not be loaded behind its socket; the cause says why."""


class LateServer(Generic[Loaded]):
    """Listens from its making until `close`, and answers from `open` on."""

    def __init__(self, name: str, address: tuple[str, int], module: str, make: Callable[[Any], Loaded]) -> None:
        """`make` gets the loaded module. Raises OSError when the port is taken."""
        self._name, self._module, self._make = name, module, make
        self._held = HeldPort(*address)
        self._listener = self._held.listen()
        self.port = self._held.number
        self._server: Loaded | None = None

    @property
    def server(self) -> Loaded | None:
        """None until it is loaded."""
        return self._server

    async def load(self) -> Loaded:
        """Not yet answering. Raises NotOpened."""
        if self._server is None:
            try:
                self._server = self._make(await asyncio.to_thread(importlib.import_module, self._module))
            except (ImportError, OSError) as error:
                raise NotOpened(f"{self._name} cannot open: {error}") from error
        return self._server

    async def open(self) -> None:
        """Raises NotOpened."""
        server = await self.load()
        try:
            await server.start(self._listener)
        except (ImportError, OSError) as error:
            raise NotOpened(f"{self._name} cannot open: {error}") from error

    async def close(self) -> None:
        server, self._server = self._server, None
        try:
            if server is not None:
                await server.close()
        finally:
            self._listener.close()
            self._held.close()


class HeldPort:
    """A port that is ours from its making until `close`, so that no other program gets it while nobody listens at it.

    Only Linux lets a listener share a port with a socket that is merely bound (SO_REUSEADDR in its socket(7));
    elsewhere the port is anybody's between two listeners.
    """

    def __init__(self, host: str, port: int) -> None:
        """Port 0 takes any. Raises OSError when the port is taken."""
        self._host = host
        self._bound = _bound(host, port)
        self.number = int(self._bound.getsockname()[1])

    def listen(self) -> socket.socket:
        """A listener at this port, which the caller closes. Raises OSError when it is taken."""
        if sys.platform != "linux":
            self._bound.close()
        return listen(self._host, self.number)

    def close(self) -> None:
        self._bound.close()


def listen(host: str, port: int) -> socket.socket:
    """Raises OSError when the port is taken."""
    listener = _bound(host, port)
    listener.listen()
    listener.settimeout(0)
    return listener


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio switches Nagle's delay off only for sockets that say TCP.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if sys.platform != "win32":  # on Windows the option would let two programs share one port
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:  # `::` is not to take the port of IPv4 too
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound
