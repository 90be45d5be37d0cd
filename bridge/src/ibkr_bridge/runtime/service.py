"""The service from its first byte to its last: bind, connect, serve; and everything undone in reverse."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass

import structlog
import uvicorn

from ibkr_bridge.config.settings import Settings
from ibkr_bridge.domain.errors import WorldMismatch
from ibkr_bridge.domain.session import Session, SessionState
from ibkr_bridge.engine.engine import Engine
from ibkr_bridge.ports.journal import Journal
from ibkr_bridge.ports.upstream import Admission
from ibkr_bridge.runtime.admission import admission
from ibkr_bridge.runtime.clock import SystemClock
from ibkr_bridge.runtime.compose import House, compose
from ibkr_bridge.runtime.journals import open_journal
from ibkr_bridge.runtime.loop import run
from ibkr_bridge.storage.errors import JournalError
from ibkr_bridge.telemetry.logs import configure

log = structlog.get_logger()
_STOP_TIMEOUT = 5
"""Seconds that requests under way may take to end when the service stops."""


class StartError(Exception):
    """The service cannot start; the message is one line for a person."""


@dataclass(frozen=True, slots=True)
class Service:
    """A running service. `ended` holds the reason once it can no longer go on by itself."""

    url: str
    engine: Engine
    ended: asyncio.Future[str]


def serve(settings: Settings) -> int:
    """Run until a signal; the exit code: 0 stopped as asked, 1 could not start or go on."""
    configure(settings.log)
    return run(until_stopped(settings, admission(settings)))


async def until_stopped(settings: Settings, admit: Admission, *, ready: asyncio.Future[Service] | None = None) -> int:
    """Serve until SIGINT or SIGTERM. `ready` is given the service once callers can reach it."""
    stop = asyncio.Event()
    try:
        with _on_signal(stop):
            async with running(settings, admit) as service:
                if ready is not None:
                    ready.set_result(service)
                log.info("serving", url=service.url, docs=f"{service.url}/docs")
                return await _wait(stop, service)
    except StartError as problem:
        print(f"ibkr-bridge: {problem}", file=sys.stderr)  # noqa: T201  the one line that a person reads
        return 1


async def _wait(stop: asyncio.Event, service: Service) -> int:
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait((stopping, service.ended), return_when=asyncio.FIRST_COMPLETED)
    if not stopping.done():
        stopping.cancel()
        print(f"ibkr-bridge: {service.ended.result()}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


@asynccontextmanager
async def running(
    settings: Settings, admit: Admission | None = None, journal: Journal | None = None
) -> AsyncIterator[Service]:
    """A service inside the block, connected and reachable. Raises StartError when it cannot be."""
    listener = _bind(settings.api.host, settings.api.port)
    try:
        async with _journal(settings, journal) as kept:
            house = compose(settings, admit or admission(settings), SystemClock(), kept)
            async with _machine(house) as ended, _web(house, settings, listener, ended):
                yield Service(_url(settings.api.host, listener), house.machine.engine, ended)
    finally:
        listener.close()


@asynccontextmanager
async def _journal(settings: Settings, given: Journal | None) -> AsyncIterator[Journal]:
    try:
        journal = given or await open_journal(settings.journal, SystemClock())
    except JournalError as problem:
        raise StartError(f"{problem.detail} {problem.advice}".strip()) from problem
    try:
        yield journal
    finally:
        await journal.close()


@asynccontextmanager
async def _machine(house: House) -> AsyncIterator[asyncio.Future[str]]:
    """The engine inside the block, connected; the future holds the reason once it has ended by itself."""
    ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    machine = asyncio.create_task(_run_machine(house, ended), name="machine")
    try:
        await _connected(house, ended)
        yield ended
    finally:
        machine.cancel()
        await asyncio.wait({machine})
        ended.cancel()
        if not machine.cancelled():
            machine.result()


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio switches Nagle's delay off only for sockets that say TCP.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    if sys.platform != "win32":  # on Windows the option would let two services share one port
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host.strip("[]"), port))
    except OSError as problem:
        listener.close()
        reason = problem.strerror or str(problem)
        raise StartError(f"cannot listen on {host}:{port}: {reason}. Set PORT to a free one.") from problem
    return listener


async def _run_machine(house: House, ended: asyncio.Future[str]) -> None:
    try:
        await house.machine.run()
    except* WorldMismatch as mismatch:
        _end(ended, f"{_first(mismatch)}")
    except* Exception as problem:
        log.exception("the engine ended")
        _end(ended, f"the engine ended: {_first(problem)!r}")


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _end(ended: asyncio.Future[str], reason: str) -> None:
    if not ended.done():
        ended.set_result(reason)


async def _connected(house: House, ended: asyncio.Future[str]) -> None:
    """The first connection decides: a gateway that cannot be reached at the start is told, not waited for."""
    decided: asyncio.Future[Session] = asyncio.get_running_loop().create_future()

    def hear(session: Session) -> None:
        if session.state is not SessionState.CONNECTING and not decided.done():
            decided.set_result(session)

    house.machine.engine.sessions.listen(hear)
    await asyncio.wait((decided, ended), return_when=asyncio.FIRST_COMPLETED)
    if ended.done():
        raise StartError(ended.result())
    session = decided.result()
    if not session.connected:
        raise StartError(session.reason or "the session could not be opened")


@asynccontextmanager
async def _web(
    house: House, settings: Settings, listener: socket.socket, ended: asyncio.Future[str]
) -> AsyncIterator[None]:
    server = _Server(
        uvicorn.Config(
            house.app,
            log_config=None,
            access_log=False,
            lifespan="off",
            http="httptools",
            ws="websockets-sansio",
            ws_max_size=4 * settings.api.max_body_bytes,  # a little too long is answered, far too long ends the socket
            ws_per_message_deflate=False,  # many small messages: compressing each costs more than it saves
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=_STOP_TIMEOUT,
        )
    )
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="web")
    serving.add_done_callback(lambda _task: _end(ended, "the web server ended"))
    try:
        while not server.started and not serving.done():  # noqa: ASYNC110  uvicorn offers a flag, not an event
            await asyncio.sleep(0.005)
        yield
    finally:
        house.hub.close()
        server.should_exit = True
        await asyncio.wait({serving}, timeout=_STOP_TIMEOUT + 1)
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


class _Server(uvicorn.Server):
    def capture_signals(self) -> nullcontext[None]:  # type: ignore[override]
        """Signals are the service's: everything stops in reverse, not the web server first."""
        return nullcontext()


def _url(host: str, listener: socket.socket) -> str:
    name = f"[{host}]" if ":" in host and not host.startswith("[") else host
    return f"http://{name}:{listener.getsockname()[1]}"


@contextmanager
def _on_signal(stop: asyncio.Event) -> Iterator[None]:
    """Set `stop` on SIGINT and SIGTERM, on every system."""
    loop = asyncio.get_running_loop()
    before = {}
    for number in (signal.SIGINT, signal.SIGTERM):
        before[number] = signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
