"""An older schema is copied and upgraded, a newer one refused, and the tables are what the program thinks they are."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from ibkr_bridge.storage import tables
from ibkr_bridge.storage.database import Location, writing
from ibkr_bridge.storage.errors import JournalNewer, JournalOlder
from ibkr_bridge.storage.reader import Reader
from ibkr_bridge.storage.schema import HEAD, MIGRATIONS, Schema

NEXT = """
import sqlalchemy as sa
from alembic import op
revision = "9999"
down_revision = "{head}"
def upgrade():
    op.add_column("orders", sa.Column("note", sa.String))
{more}
"""


def next_schema(tmp_path: Path, more: str = "") -> Schema:
    """What a later program would bring along."""
    scripts = tmp_path / "migrations of the next 100%"
    shutil.copytree(MIGRATIONS, scripts)
    (scripts / "versions" / "v9999_next.py").write_text(NEXT.format(head=HEAD, more=more))
    return Schema(scripts, "9999")


def test_the_last_script_is_the_version_of_the_program() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_heads() == [HEAD]


async def test_the_scripts_lead_to_the_tables_that_the_program_uses(opened: Any, url: str) -> None:
    await (await opened(url)).close()
    engine = writing(Location.parse(url))
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), tables.metadata)
    engine.dispose()
    assert differences == []


async def test_an_older_journal_is_upgraded_after_a_copy_was_made(
    opened: Any, story: Any, sqlite_url: str, sqlite_file: Path, tmp_path: Path
) -> None:
    journal = await opened(sqlite_url)
    await journal.append(story.filled("mine"))
    await journal.close()
    later = await opened(sqlite_url, schema=next_schema(tmp_path))
    assert later.backup == sqlite_file.with_name(f"journal.sqlite.{HEAD}.backup")
    assert later.backup.stat().st_mode & 0o077 == 0
    assert (await later.info()).schema == "9999"
    assert await later.append([story.received()]) == 5
    assert (await later.verify()).sound
    await later.close()
    shutil.copy(later.backup, sqlite_file)
    for rest in ("-wal", "-shm"):
        Path(f"{sqlite_file}{rest}").unlink(missing_ok=True)  # noqa: ASYNC240  nobody else waits
    reader = Reader(Location.parse(sqlite_url))
    assert reader.info().events == 4
    reader.close()


async def test_an_older_journal_in_postgresql_is_upgraded(opened: Any, story: Any, empty: Any, tmp_path: Path) -> None:
    url = empty("postgresql")
    journal = await opened(url)
    await journal.append(story.filled("mine"))
    await journal.close()
    later = await opened(url, schema=next_schema(tmp_path))
    assert later.backup is None
    assert (await later.info()).schema == "9999"
    assert (await later.verify()).sound


async def test_a_newer_journal_is_refused_with_the_way_out(opened: Any, url: str, tmp_path: Path) -> None:
    later = await opened(url, schema=next_schema(tmp_path))
    await later.close()
    with pytest.raises(JournalNewer, match="9999") as refused:
        await opened(url)
    assert "newer program" in refused.value.advice
    reader = Reader(Location.parse(url))
    with pytest.raises(JournalNewer):
        reader.require(Schema())
    reader.close()


async def test_an_upgrade_that_fails_leaves_the_journal_as_it_was(
    opened: Any, story: Any, url: str, tmp_path: Path
) -> None:
    journal = await opened(url)
    await journal.append(story.filled("mine"))
    await journal.close()
    broken = next_schema(tmp_path, more="    op.drop_table('nowhere')")
    with pytest.raises(OSError, match="nowhere"):
        await opened(url, schema=broken)
    again = await opened(url)
    assert (await again.info()).schema == HEAD
    assert await again.append([story.received()]) == 5


async def test_a_reader_changes_no_older_journal(opened: Any, url: str, tmp_path: Path) -> None:
    await (await opened(url)).close()
    reader = Reader(Location.parse(url))
    with pytest.raises(JournalOlder, match="reads 9999") as refused:
        reader.require(next_schema(tmp_path))
    assert "journal upgrade" in refused.value.advice
    reader.close()


async def test_an_order_that_an_earlier_program_summed_up_otherwise_is_read_from_its_events(
    opened: Any, story: Any, sqlite_url: str, sqlite_file: Path
) -> None:
    journal = await opened(sqlite_url)
    life = story.filled("mine")
    await journal.append(life)
    await journal.close()
    with sqlite3.connect(sqlite_file) as connection:
        for seq, state in connection.execute("SELECT seq, state FROM events").fetchall():
            earlier = {key: value for key, value in json.loads(state).items() if key != "fills"}
            earlier |= {"executions": ["0000e0d5.00000001.01.01"], "executed_qty": "10", "commission": "1.00"}
            connection.execute(
                "UPDATE events SET state = ? WHERE seq = ?", (json.dumps(earlier, separators=(",", ":")), seq)
            )
    connection.close()
    again = await opened(sqlite_url)
    assert await again.order(life[-1].order.id) == life[-1].order


async def test_a_file_of_somebody_else_is_left_alone(opened: Any, sqlite_url: str, sqlite_file: Path) -> None:
    sqlite_file.parent.mkdir()
    connection = sqlite3.connect(sqlite_file)
    connection.execute("CREATE TABLE orders (id INTEGER)")
    connection.close()
    with pytest.raises(OSError, match="already exists"):
        await opened(sqlite_url)
