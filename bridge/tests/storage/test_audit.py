"""Whatever is done to a journal behind our back is found, and named."""

# ruff: noqa: ASYNC240  the files are small and nobody else waits

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from ibkr_bridge.storage.audit import key, mark
from ibkr_bridge.storage.audit.key import audit_key
from ibkr_bridge.storage.audit.mark import Mark, read
from ibkr_bridge.storage.audit.verify import Verification, verify
from ibkr_bridge.storage.database import Location, writing
from ibkr_bridge.storage.errors import JournalError, JournalShortened, WrongKey
from ibkr_bridge.storage.reader import Reader

SWAP = [
    "UPDATE events SET seq = 1001 WHERE seq = 5",
    "UPDATE events SET seq = 5 WHERE seq = 6",
    "UPDATE events SET seq = 6 WHERE seq = 1001",
]
CUT = [
    "DELETE FROM executions WHERE seq > 5",
    "DELETE FROM commissions WHERE seq > 5",
    "DELETE FROM events WHERE seq > 5",
]
INSERT = (
    "INSERT INTO events SELECT 1 + (SELECT max(seq) FROM events), order_id, at, kind, body, state, chain"
    " FROM events WHERE seq = 2"
)


def meddle(url: str, statements: Sequence[str]) -> None:
    engine = writing(Location.parse(url))
    with engine.begin() as connection:
        for statement in statements:
            assert connection.execute(text(statement)).rowcount > 0, statement
    engine.dispose()


def checked(url: str, known: Mark | None) -> Verification:
    """As a command does it, beside the service."""
    reader = Reader(Location.parse(url))
    try:
        with reader.unhurried() as connection:
            return verify(connection, b"a key that only this test knows!", known)
    finally:
        reader.close()


async def kept(opened: Any, story: Any, url: str) -> Any:
    journal = await opened(url)
    for number in range(3):
        await journal.append(story.filled(f"order {number}"))
    return journal


async def test_an_untouched_journal_is_sound(opened: Any, story: Any, url: str) -> None:
    journal = await kept(opened, story, url)
    refused = story.received("refused")
    await journal.append([refused, story.denied(refused), story.received("order 7", account="DU2")])
    found = await journal.verify()
    assert found.findings == ()
    assert (found.events, found.last_seq, found.marked) == (15, 15, 15)


@pytest.mark.parametrize(
    ("statements", "seq", "said"),
    [
        pytest.param(
            ["UPDATE events SET body = replace(body, '150.1', '150.2') WHERE seq = 5"], 5, "changed", id="body"
        ),
        pytest.param(
            ["UPDATE events SET state = replace(state, '150.1', '1.1') WHERE seq = 2"], 2, "changed", id="state"
        ),
        pytest.param(["UPDATE events SET at = '2026-01-01T00:00:00.000000Z' WHERE seq = 3"], 3, "changed", id="time"),
        pytest.param(["UPDATE events SET kind = 'warned' WHERE seq = 6"], 6, "changed", id="kind"),
        pytest.param(["DELETE FROM events WHERE seq = 6"], 7, "events 6 to 6 are missing", id="removed"),
        pytest.param(["DELETE FROM events WHERE seq = 1"], 2, "events 1 to 1 are missing", id="first removed"),
        pytest.param([INSERT], 13, "put in", id="put in"),
        pytest.param(SWAP, 5, "moved", id="swapped"),
        pytest.param(CUT, 5, "the end was cut off: events 6 to 12 are missing", id="cut"),
        pytest.param(["UPDATE journal SET genesis = 'x'"], 0, "own row was changed", id="own row"),
        pytest.param(["UPDATE orders SET status = 'working' WHERE seq = 4"], 4, "does not stand", id="status"),
        pytest.param(["UPDATE orders SET seq = 3 WHERE seq = 4"], 3, "does not stand", id="turned back"),
        pytest.param(["DELETE FROM bindings WHERE client_order_id = 'order 1'"], 8, "has lost its", id="unbound"),
        pytest.param(["UPDATE bindings SET fingerprint = 'x'"], 1, "bound otherwise", id="rebound"),
        pytest.param(["DELETE FROM executions WHERE seq = 3"], 3, "executions does not have", id="execution gone"),
        pytest.param(["DELETE FROM commissions WHERE seq = 8"], 8, "commissions does not", id="commission gone"),
        pytest.param(["UPDATE executions SET seq = 1 WHERE seq = 3"], 1, "of which no event", id="execution moved"),
    ],
)
async def test_what_was_done_is_found_at_its_event(
    opened: Any, story: Any, url: str, statements: list[str], seq: int, said: str
) -> None:
    journal = await kept(opened, story, url)
    meddle(url, statements)
    findings = (await journal.verify()).findings
    assert any(finding.seq == seq and said in finding.text for finding in findings), findings


async def test_a_journal_whose_end_was_cut_is_not_opened(opened: Any, story: Any, url: str, mark_path: Path) -> None:
    await (await kept(opened, story, url)).close()
    meddle(url, CUT)
    with pytest.raises(JournalShortened, match="ends at event 5; its mark knows 12") as refused:
        await opened(url)
    assert str(mark_path) in refused.value.advice


async def test_a_journal_that_is_gone_is_not_begun_anew(
    opened: Any, story: Any, sqlite_url: str, sqlite_file: Path
) -> None:
    await (await kept(opened, story, sqlite_url)).close()
    sqlite_file.unlink()
    with pytest.raises(JournalShortened, match="is gone; it had 12 events"):
        await opened(sqlite_url)
    assert not sqlite_file.exists()


async def test_another_journal_in_its_place_is_found(
    opened: Any, story: Any, sqlite_url: str, sqlite_file: Path, mark_path: Path
) -> None:
    await (await kept(opened, story, sqlite_url)).close()
    first = mark_path.read_bytes()
    sqlite_file.unlink()
    mark_path.unlink()
    await (await kept(opened, story, sqlite_url)).close()
    mark_path.write_bytes(first)
    assert "another journal" in checked(sqlite_url, read(mark_path)).findings[0].text
    with pytest.raises(JournalShortened):
        await opened(sqlite_url)


async def test_without_a_mark_the_journal_opens_and_says_that_none_vouches_for_it(
    opened: Any, story: Any, url: str, mark_path: Path
) -> None:
    await (await kept(opened, story, url)).close()
    mark_path.unlink()
    found = checked(url, read(mark_path))
    assert (found.sound, found.marked) == (True, None)
    await opened(url)


async def test_another_key_is_refused_and_not_taken_for_a_change(opened: Any, story: Any, url: str) -> None:
    await (await kept(opened, story, url)).close()
    with pytest.raises(WrongKey):
        await opened(url, key=b"another key, as long as the first")
    await opened(url)


async def test_the_mark_follows_every_batch(opened: Any, story: Any, sqlite_url: str, mark_path: Path) -> None:
    journal = await kept(opened, story, sqlite_url)
    await journal.close()
    last = read(mark_path)
    assert last is not None
    assert last.seq == 12


async def test_a_mark_that_cannot_be_written_stops_no_order(
    opened: Any, story: Any, sqlite_url: str, mark_path: Path
) -> None:
    journal = await opened(sqlite_url)
    mark_path.unlink()
    mark_path.mkdir()
    assert await journal.append([story.received()]) == 1
    assert await journal.append([story.received()]) == 2
    async with asyncio.timeout(5):
        while journal.warning is None:  # noqa: ASYNC110  the mark follows the journal at a distance
            await asyncio.sleep(0.05)
        mark_path.rmdir()
        await journal.append([story.received()])
        while journal.warning is not None:  # noqa: ASYNC110  as above
            await asyncio.sleep(0.05)


def test_the_key_file_is_made_once_and_for_its_user_alone(tmp_path: Path) -> None:
    file = tmp_path / "keys" / "audit.key"
    made = audit_key(None, file)
    assert len(made) == 64
    assert audit_key(None, file) == made
    if sys.platform != "win32":
        assert file.stat().st_mode & 0o777 == 0o600
        assert file.parent.stat().st_mode & 0o777 == 0o700
    assert audit_key("sixteen letters!", file) == b"sixteen letters!"


def test_a_key_that_could_be_guessed_is_refused_without_being_shown(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="IBKR_SERVICE_AUDIT_KEY") as refused:
        audit_key("hunter2", tmp_path / "audit.key")
    assert "hunter2" not in str(refused.value) + refused.value.advice
    with pytest.raises(JournalError, match="cannot be used"):
        audit_key(None, tmp_path / "missing.key", make=False)


def test_key_and_mark_are_kept_apart_from_the_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XDG_STATE_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    paths = {key.default_path(), mark.default_path("/srv/one.sqlite"), mark.default_path("/srv/other.sqlite")}
    assert len(paths) == 3
    assert all(path.is_relative_to(tmp_path / "home") for path in paths)
