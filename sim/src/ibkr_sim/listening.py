"""A socket that listens before the server behind it is loaded: who connects early just waits."""

from __future__ import annotations

import asyncio
import importlib
import socket
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
        self._listener = listen(*address)
        self.port = int(self._listener.getsockname()[1])
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


def listen(host: str, port: int) -> socket.socket:
    """Raises OSError when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family)
    listener.settimeout(0)
    return listener
