"""The commands `ibkr-bridge journal ...`: check, export, look at and upgrade the journal on disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ibkr_bridge.cli.options import DEFAULT_ENV_FILE, EnvFile, fail, settings_from
from ibkr_bridge.config.settings import JournalSettings

if TYPE_CHECKING:
    from ibkr_bridge.storage.reader import Reader

# The databases' libraries take a while to import: each command imports what it needs, and --help nothing.
# ruff: noqa: PLC0415

Url = Annotated[str | None, typer.Option(help="The journal [IBKR_SERVICE_JOURNAL_URL].", show_default=False)]
FOUND = 1
"""The exit code when something is wrong with the journal."""


def build() -> typer.Typer:
    app = typer.Typer(name="journal", help="Check, export and look at the journal.", no_args_is_help=True)
    app.command(short_help="Check every seal and the end.")(verify)
    app.command(short_help="Write orders, events or executions to a file.")(export)
    app.command(short_help="Say where it is and what is in it.")(info)
    app.command(short_help="Bring the schema up to this program.")(upgrade)
    return app


def verify(env_file: EnvFile = DEFAULT_ENV_FILE, url: Url = None) -> None:
    """Check the whole journal: nothing changed, removed, put in, moved or cut off. Code 1 when something was.

    It only reads, and may be run while the service is up.
    """
    from ibkr_bridge.storage.audit.key import audit_key, default_path
    from ibkr_bridge.storage.audit.mark import read
    from ibkr_bridge.storage.audit.verify import verify as check

    settings = _settings(env_file, url)
    with _reported():
        mark = read(_mark(settings))  # before the journal: a service that writes meanwhile is ahead of it, not behind
        with _reader(settings, remembered=mark.seq if mark else 0) as reader:
            secret = settings.audit_key.get_secret_value() if settings.audit_key else None
            key = audit_key(secret, settings.audit_key_file or default_path(), make=False)
            with reader.unhurried() as connection:
                found = check(connection, key, mark)
    for finding in found.findings:
        typer.echo(f"event {finding.seq}: {finding.text}" if finding.seq else finding.text)
    vouched = "there is no mark, so a cut end cannot be seen"
    if found.marked is not None:
        vouched = f"the mark vouches for {found.marked}"
    typer.echo(f"{found.events} events read, the last is {found.last_seq}; {vouched}.")
    if not found.sound:
        fail([f"{len(found.findings)} things are not as they were written"], FOUND)


def export(
    to: Annotated[Path, typer.Argument(help="The file to write.", metavar="FILE", show_default=False)],
    env_file: EnvFile = DEFAULT_ENV_FILE,
    url: Url = None,
    what: Annotated[str, typer.Option(help="orders, events or executions.")] = "orders",
    format: Annotated[str, typer.Option(help="csv or parquet.")] = "csv",  # noqa: A002  the option's name
) -> None:
    """Write orders, events or executions to a file, with every number exact.

    \b
      ibkr-bridge journal export orders.csv
      ibkr-bridge journal export fills.parquet --what executions --format parquet
    """
    from ibkr_bridge.storage.export import Format, What
    from ibkr_bridge.storage.export import export as write

    if what not in set(What):
        fail([f"--what {what}: choose one of {', '.join(What)}"])
    if format not in set(Format):
        fail([f"--format {format}: choose one of {', '.join(Format)}"])
    with _reported(), _reader(_settings(env_file, url)) as reader:
        rows = write(reader, to=to, what=What(what), format=Format(format))
    typer.echo(f"{rows} {what} written to {to}.")


def info(env_file: EnvFile = DEFAULT_ENV_FILE, url: Url = None) -> None:
    """Print where the journal is, its schema, how much is in it and how large it is."""
    with _reported(), _reader(_settings(env_file, url)) as reader:
        found = reader.info()
    for name, value in (
        ("journal", found.place),
        ("schema", found.schema),
        ("orders", found.orders),
        ("unfinished", found.unfinished),
        ("executions", found.executions),
        ("events", found.events),
        ("last seq", found.last_seq),
        ("bytes", found.size),
    ):
        typer.echo(f"{name:<10}  {value}")


def upgrade(env_file: EnvFile = DEFAULT_ENV_FILE, url: Url = None) -> None:
    """Bring the journal's schema up to this program, as the service does when it starts. Stop the service first.

    A SQLite file is copied beside itself before it is changed; a database of PostgreSQL is yours to back up.
    """
    from ibkr_bridge.storage.database import Location
    from ibkr_bridge.storage.schema import HEAD, Schema
    from ibkr_bridge.storage.writer import upgraded

    settings = _settings(env_file, url)
    with _reported():
        backup = upgraded(Location.parse(settings.address), Schema())
    if backup is not None:
        typer.echo(f"The journal as it was is kept at {backup}.")
    typer.echo(f"The schema is {HEAD}.")


def _settings(env_file: Path, url: str | None) -> JournalSettings:
    settings = settings_from(env_file, IBKR_SERVICE_JOURNAL_URL=url).settings.journal
    if settings.address == "memory":
        fail(["IBKR_SERVICE_JOURNAL_URL is memory: that journal lives and ends with its service"])
    return settings


def _mark(settings: JournalSettings) -> Path:
    from ibkr_bridge.storage.audit.mark import default_path
    from ibkr_bridge.storage.database import Location

    return settings.audit_mark or default_path(Location.parse(settings.address).place)


@contextmanager
def _reader(settings: JournalSettings, remembered: int = 0) -> Iterator[Reader]:
    """`remembered` is the number of events that a missing journal is known to have had."""
    from ibkr_bridge.storage.database import Location
    from ibkr_bridge.storage.errors import JournalMissing, JournalShortened
    from ibkr_bridge.storage.reader import Reader
    from ibkr_bridge.storage.schema import Schema

    reader = Reader(Location.parse(settings.address))
    try:
        reader.require(Schema())
        yield reader
    except JournalMissing as problem:
        if not remembered:
            raise
        raise JournalShortened(f"{problem.detail} It had {remembered} events.", str(_mark(settings))) from problem
    finally:
        reader.close()


@contextmanager
def _reported() -> Iterator[None]:
    from ibkr_bridge.storage.errors import JournalError

    try:
        yield
    except JournalError as problem:
        fail([line for line in (problem.detail, problem.advice) if line], FOUND)
