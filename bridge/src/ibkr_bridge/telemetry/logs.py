"""One chain for every log line, ours and the libraries': JSON for machines, colours for a terminal, no secrets."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from typing import Literal, Protocol, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

REDACTED = "[redacted]"
_SECRET_NAME = re.compile(r"(key|secret|token|password|authorization|cookie)$", re.IGNORECASE)
_QUIET = ("ib_async", "asyncio", "websockets", "exchange_calendars", "uvicorn.error")
"""Libraries that talk much, the web server with a caller's whole query in it; only their warnings matter."""


class Wanted(Protocol):
    """The part of the settings that is read here."""

    @property
    def level(self) -> str: ...

    @property
    def format(self) -> Literal["auto", "json", "text"]: ...


def configure(settings: Wanted, stream: TextIO | None = None) -> None:
    """Send every log line of this process to `stream` (stderr), as the settings want it."""
    output = stream or sys.stderr
    machine = settings.format == "json" or (settings.format == "auto" and not output.isatty())
    handler = logging.StreamHandler(output)
    handler.setFormatter(_formatter(machine=machine))
    level = settings.level.upper()
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        library = logging.getLogger(name)
        library.handlers = []
        library.propagate = name != "uvicorn.access"  # our own request log says more
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level)))
    structlog.configure(
        processors=[*_shared(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.filter_by_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        redact,
    ]


def _formatter(*, machine: bool) -> logging.Formatter:
    tail: list[Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(default=str)]
        if machine
        else [structlog.dev.ConsoleRenderer()]
    )
    foreign = [step for step in _shared() if step is not structlog.stdlib.filter_by_level]
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*foreign, structlog.stdlib.ExtraAdder(), _colourless],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, redact, *tail],
    )


def _colourless(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The web server tells each of its lines twice, once in colours."""
    event.pop("color_message", None)
    return event


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Blank every value whose name says that it is a secret, however deep it lies."""
    return {name: _redacted(name, value) for name, value in event.items()}


def _redacted(name: str, value: object) -> object:
    if _SECRET_NAME.search(name):
        return REDACTED
    if isinstance(value, Mapping):
        return {key: _redacted(str(key), inner) for key, inner in value.items()}
    return value
