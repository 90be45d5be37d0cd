"""Full, read-only, locked, damaged, gone: refused in words, never half kept, and well again afterwards."""

# ruff: noqa: ASYNC240  the files are small and nobody else waits

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, event

from ibkr_bridge.storage import database, sql
from ibkr_bridge.storage.errors import (
    JournalCorrupted,
    JournalError,
    JournalFull,
    JournalLocked,
    JournalUnavailable,
    JournalUnreachable,
)

HOLDER = """
import asyncio, sys
from pathlib import Path
from ibkr_bridge.runtime.clock import SystemClock
from ibkr_bridge.storage.sql import SqlJournal
KEY = b"a key that only this test knows!"
async def main(url, mark):
    journal = await SqlJournal.open(url, key=KEY, clock=SystemClock(), mark_path=Path(mark))
    print("open", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await journal.close()
asyncio.run(main(*sys.argv[1:]))
"""
POWERLESS = """
import asyncio, os, sys
from pathlib import Path
from ibkr_bridge.runtime.clock import SystemClock
from ibkr_bridge.storage.errors import JournalReadOnly
from ibkr_bridge.storage.sql import SqlJournal
if hasattr(os, "geteuid") and os.geteuid() == 0:
    os.setuid(65534)  # root may write everything
try:
    asyncio.run(SqlJournal.open(sys.argv[1], key=b"k" * 16, clock=SystemClock(), mark_path=Path(sys.argv[2])))
except JournalReadOnly as refused:
    print(refused.code, refused.advice)
"""


@contextmanager
def little_room(pages: int) -> Iterator[None]:
    """Every SQLite file that is opened meanwhile may have this many pages."""

    def limit(connection: Any, _record: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages}")

    event.listen(Engine, "connect", limit)
    try:
        yield
    finally:
        event.remove(Engine, "connect", limit)


@asynccontextmanager
async def held(url: str, mark: Path) -> AsyncIterator[int]:
    """Another process has the journal; its id."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", HOLDER, url, str(mark)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(20):
        assert await process.stdout.readline() == b"open\n"
        yield process.pid
        await process.communicate(b"")


async def test_a_full_disk_keeps_nothing_of_the_batch_and_the_next_one_after_room_was_made(
    opened: Any, story: Any, sqlite_url: str
) -> None:
    count = 0
    with little_room(60):
        journal = await opened(sqlite_url)
        refused = None
        while refused is None:
            try:
                count = await journal.append([entry for _ in range(4) for entry in story.filled()]) + 15
            except JournalFull as problem:
                refused = problem
        assert isinstance(refused, OSError)
        assert "room" in refused.advice
        assert (await journal.info()).events == count
        with pytest.raises(JournalFull):
            await journal.append([entry for _ in range(40) for entry in story.filled()])
    assert (await journal.info()).last_seq == count
    assert await journal.append([story.received()]) == count + 1
    assert (await journal.verify()).sound


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_file_or_folder_that_may_not_be_written_is_named(what: str) -> None:
    with TemporaryDirectory() as folder:  # pytest's own folders are closed to the user that the child becomes
        file = Path(folder, "journal.sqlite")
        if what == "file":
            file.touch(0o444)
        Path(folder).chmod(0o555)
        command = [sys.executable, "-c", POWERLESS, f"sqlite:///{file}", str(Path(folder, "mark"))]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        Path(folder).chmod(0o700)
    assert done.stdout.startswith("journal.read_only Give this user the right"), done.stderr


async def test_one_journal_serves_one_process_and_says_which(opened: Any, url: str, mark_path: Path) -> None:
    async with held(url, mark_path) as pid:
        with pytest.raises(JournalLocked, match=f"process {pid}") as refused:
            await opened(url)
        assert refused.value.pid == pid
    await opened(url)


async def test_a_damaged_file_is_named(opened: Any, story: Any, sqlite_url: str, sqlite_file: Path) -> None:
    journal = await opened(sqlite_url)
    await journal.append(story.filled())
    await journal.close()
    sqlite_file.write_bytes(b"not a database" + sqlite_file.read_bytes()[14:])
    with pytest.raises(JournalCorrupted, match="not a database") as refused:
        await opened(sqlite_url)
    assert "backup" in refused.value.advice


async def test_a_file_that_is_removed_in_use_takes_no_more_orders(
    opened: Any, story: Any, sqlite_url: str, sqlite_file: Path
) -> None:
    journal = await opened(sqlite_url)
    await journal.append([story.received()])
    aside = sqlite_file.rename(sqlite_file.with_name("aside"))
    with pytest.raises(JournalUnavailable, match="removed or replaced"):
        await journal.append([story.received()])
    aside.rename(sqlite_file)
    assert await journal.append([story.received()]) == 2


@contextmanager
def hogged(file: Path) -> Iterator[None]:
    """Somebody else is writing to the file, and takes their time."""
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.close()


async def test_a_foreign_hand_in_the_file_is_waited_for_and_then_named(
    opened: Any, story: Any, sqlite_url: str, sqlite_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT", 0.1)
    journal = await opened(sqlite_url)
    with hogged(sqlite_file), pytest.raises(JournalLocked):
        await journal.append([story.received()])
    assert await journal.append([story.received()]) == 1


async def test_what_a_disk_that_hangs_past_the_deadline_had_not_kept_by_then_is_never_kept(
    opened: Any, story: Any, sqlite_url: str, sqlite_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql, "WRITE_DEADLINE", 0.2)
    journal = await opened(sqlite_url)
    begun, queued = story.received(), story.received()
    with hogged(sqlite_file):
        for entry in (begun, queued):
            with pytest.raises(JournalUnavailable, match=r"within 0\.2 s"):
                await journal.append([entry])
    monkeypatch.setattr(sql, "WRITE_DEADLINE", 10)
    assert await journal.append([story.received()]) == 1
    for entry in (begun, queued):
        assert await journal.order(entry.order.id) is None, "its caller was told so"
    assert (await journal.verify()).sound


async def test_text_that_no_database_takes_is_refused_and_does_no_harm(opened: Any, story: Any, url: str) -> None:
    journal = await opened(url)
    with pytest.raises(JournalUnavailable):
        await journal.append([story.received(), story.received("\ud800")])
    assert await journal.append([story.received()]) == 1


async def test_a_closed_journal_is_one_file_that_can_be_copied(
    opened: Any, story: Any, sqlite_url: str, sqlite_file: Path
) -> None:
    journal = await opened(sqlite_url)
    await journal.append([story.received()])
    await journal.unfinished()
    await journal.close()
    await journal.close()
    assert {path.name for path in sqlite_file.parent.iterdir()} == {"journal.sqlite", "journal.sqlite.lock"}


async def test_the_files_are_for_their_user_alone(opened: Any, story: Any, sqlite_url: str, sqlite_file: Path) -> None:
    journal = await opened(sqlite_url)
    await journal.append([story.received()])
    if sys.platform != "win32":
        modes = {path.name: path.stat().st_mode & 0o777 for path in sqlite_file.parent.iterdir()}
        assert set(modes) == {"journal.sqlite", "journal.sqlite-wal", "journal.sqlite-shm", "journal.sqlite.lock"}
        assert set(modes.values()) == {0o600}
        assert sqlite_file.parent.stat().st_mode & 0o777 == 0o700


async def test_a_server_that_is_not_there_is_named_without_the_password(opened: Any) -> None:
    with pytest.raises(JournalUnreachable) as refused:
        await opened("postgresql://trader:hush-hush@127.0.0.1:1/journal")
    assert "trader@127.0.0.1:1" in refused.value.detail
    assert "hush-hush" not in refused.value.detail


async def test_a_session_that_the_server_ended_is_opened_again(
    opened: Any, story: Any, postgres: str, empty: Any
) -> None:
    journal = await opened(empty("postgresql"))
    await journal.append(story.filled())
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'ibkr-bridge%'"
        )
    with pytest.raises(JournalUnavailable):
        await journal.append(story.filled())
    assert await journal.append(story.filled()) == 5
    assert (await journal.info()).events == 8
    assert (await journal.verify()).sound


@pytest.mark.parametrize("text", ["mysql://root@localhost/x", "sqlite://", "://"])
async def test_a_url_that_leads_nowhere_is_refused(opened: Any, text: str) -> None:
    with pytest.raises(JournalError):
        await opened(text)
