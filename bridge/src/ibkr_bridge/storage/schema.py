"""The schema's version: read, compared with the program's, and brought up to it."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Connection, inspect, text

from ibkr_bridge.storage.errors import JournalMissing, JournalNewer, JournalOlder

MIGRATIONS = Path(__file__).with_name("migrations")
HEAD = "0001"


@dataclass(frozen=True, slots=True)
class Schema:
    """The version this program speaks, and the scripts that lead to it."""

    scripts: Path = MIGRATIONS
    head: str = HEAD

    def require(self, connection: Connection, place: str) -> None:
        """For readers, who change nothing. Raises JournalMissing, JournalOlder and JournalNewer."""
        found = version(connection)
        if found is None:
            raise JournalMissing(place)
        if found != self.head:
            self._known(found)
            raise JournalOlder(found, self.head)

    def upgrade(self, connection: Connection, file: Path | None) -> Path | None:
        """Make or upgrade the tables in one transaction; the path of the backup, where one was made.

        A SQLite file that holds something is copied first. Raises JournalNewer.
        """
        found = version(connection)
        connection.rollback()
        if found == self.head:
            return None
        backup = None
        if found is not None:
            self._known(found)
            backup = _backed_up(connection, file, found) if file else None
        with connection.begin():
            self._migrate(connection)
        return backup

    def _known(self, found: str) -> None:
        from alembic.script import ScriptDirectory  # noqa: PLC0415  rarely needed, and slow to import

        if found not in {script.revision for script in ScriptDirectory(str(self.scripts)).walk_revisions()}:
            raise JournalNewer(found)

    def _migrate(self, connection: Connection) -> None:
        from alembic import command, config  # noqa: PLC0415  as above

        settings = config.Config(attributes={"connection": connection})
        settings.set_main_option("script_location", str(self.scripts).replace("%", "%%"))
        settings.set_main_option("path_separator", "os")
        command.upgrade(settings, self.head)


def version(connection: Connection) -> str | None:
    """None where no journal has been made yet."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _backed_up(connection: Connection, file: Path, found: str) -> Path:
    """A copy of the file beside it, whole or not there."""
    target = file.with_name(f"{file.name}.{found}.backup")
    source = connection.connection.driver_connection
    assert isinstance(source, sqlite3.Connection)
    with TemporaryDirectory(dir=file.parent, prefix=".backup-") as folder:  # for this user alone
        copy = Path(folder, file.name)
        into = sqlite3.connect(copy)
        try:
            source.backup(into)
        finally:
            into.close()
        copy.chmod(0o600)
        copy.replace(target)
    return target
