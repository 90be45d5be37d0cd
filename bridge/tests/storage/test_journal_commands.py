"""The commands `journal ...`, run beside a journal that is in use."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from ibkr_bridge.cli.journal import build
from ibkr_bridge.config.settings import JournalSettings
from ibkr_bridge.storage.database import Location, writing

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(url: str, mark_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """One command, as somebody types it: its exit code and what it said."""
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith("IBKR_SERVICE_"):
            monkeypatch.delenv(name)

    def command(*arguments: str, **environ: str) -> tuple[int, str, str]:
        settings = {
            "IBKR_SERVICE_JOURNAL_URL": url,
            "IBKR_SERVICE_AUDIT_KEY": "a key that only this test knows!",
            "IBKR_SERVICE_AUDIT_MARK": str(mark_path),
        }
        done = CliRunner().invoke(build(), list(arguments), env=settings | environ)
        return done.exit_code, done.stdout, done.stderr

    return command


async def test_info_and_verify_work_beside_a_service_that_writes(opened: Any, story: Any, url: str, run: Run) -> None:
    journal = await opened(url)
    await journal.append([*story.filled("mine"), story.received()])
    await journal.append([story.received()])
    code, said, _ = run("info")
    assert code == 0
    assert {"schema      0001", "orders      3", "unfinished  2", "last seq    6"} <= set(said.splitlines())
    code, said, _ = run("verify")
    assert (code, said[:33]) == (0, "6 events read, the last is 6; the")


async def test_verify_ends_with_1_where_something_was_changed(opened: Any, story: Any, url: str, run: Run) -> None:
    journal = await opened(url)
    await journal.append(story.filled("mine"))
    engine = writing(Location.parse(url))
    with engine.begin() as connection:
        connection.execute(text("UPDATE events SET body = replace(body, '150.1', '151.1') WHERE seq = 1"))
    engine.dispose()
    code, said, problems = run("verify")
    assert code == 1
    assert "event 1: the event was changed" in said
    assert "1 things are not as they were written" in problems


async def test_verify_tells_a_wrong_key_and_a_missing_journal(
    opened: Any, story: Any, url: str, run: Run, tmp_path: Path
) -> None:
    journal = await opened(url)
    await journal.append(story.filled())
    await journal.close()
    code, _, problems = run("verify", IBKR_SERVICE_AUDIT_KEY="not the key that it was")
    assert code == 1
    assert "not the one with which this journal was begun" in problems
    code, _, problems = run("verify", IBKR_SERVICE_JOURNAL_URL=f"sqlite:///{tmp_path / 'nothing.sqlite'}")
    assert code == 1
    assert "It had 4 events" in problems


async def test_export_writes_a_file_and_refuses_words_it_does_not_know(
    opened: Any, story: Any, url: str, run: Run, tmp_path: Path
) -> None:
    journal = await opened(url)
    await journal.append(story.filled())
    to = tmp_path / "events.csv"
    code, said, _ = run("export", str(to), "--what", "events")
    assert (code, said) == (0, f"4 events written to {to}.\n")
    assert run("export", str(to), "--what", "quotes")[0] == 2
    assert run("export", str(to), "--format", "xlsx")[0] == 2
    assert run("export", str(tmp_path / "no" / "where.csv"))[0] == 1


async def test_upgrade_says_the_schema_and_waits_for_the_service_to_end(opened: Any, url: str, run: Run) -> None:
    journal = await opened(url)
    code, _, problems = run("upgrade")
    assert code == 1
    assert f"process {os.getpid()}" in problems
    await journal.close()
    assert run("upgrade") == (0, "The schema is 0001.\n", "")


def test_a_journal_in_memory_has_no_commands(run: Run) -> None:
    code, _, problems = run("info", IBKR_SERVICE_JOURNAL_URL="memory")
    assert code == 2
    assert "memory" in problems


def test_a_password_in_the_journals_url_is_shown_to_nobody() -> None:
    settings = JournalSettings(url="postgresql://trader:hush-hush@db/journal")
    assert "hush-hush" not in repr(settings)
    assert settings.address == "postgresql://trader:hush-hush@db/journal"
    assert JournalSettings().address == JournalSettings().url == "sqlite:///.data/journal.sqlite"
    assert JournalSettings(url="postgresql://trader@db/journal").url == "postgresql://trader@db/journal"
