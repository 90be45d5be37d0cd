"""The check of a whole journal: every seal, every number, the end against the mark, and the ways to find things."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import Connection, select

from ibkr_bridge.storage.audit.chain import Row, genesis, link, same
from ibkr_bridge.storage.audit.mark import Mark
from ibkr_bridge.storage.audit.ways import Finding, disagreements
from ibkr_bridge.storage.errors import WrongKey
from ibkr_bridge.storage.tables import events, journal

_AT_ONCE = 1000
_MOST = 100
"""Findings told; a journal with more is not mended by reading on."""


@dataclass(frozen=True, slots=True)
class Verification:
    """`marked` is the number of events that the mark vouches for, None without a mark: then a cut end goes unseen."""

    events: int
    last_seq: int
    marked: int | None
    findings: tuple[Finding, ...]

    @property
    def sound(self) -> bool:
        return not self.findings


def verify(connection: Connection, key: bytes, mark: Mark | None) -> Verification:
    """Read everything once. Raises WrongKey when the key is another one than the journal was begun with."""
    walk = _Walk(connection, key)
    findings = [*islice(walk.findings(), _MOST)]
    findings += islice(_against_mark(connection, walk, mark), _MOST - len(findings))
    findings += islice(disagreements(connection), _MOST - len(findings))
    return Verification(walk.events, walk.last_seq, mark.seq if mark else None, tuple(findings))


class _Walk:
    """Along the chain, from the genesis to the end."""

    def __init__(self, connection: Connection, key: bytes) -> None:
        self._connection = connection
        self._key = key
        self.journal_id = ""
        self.events = 0
        self.last_seq = 0

    def findings(self) -> Iterator[Finding]:
        named = self._connection.execute(select(journal.c.id, journal.c.genesis)).all()
        if len(named) != 1:
            yield Finding(0, f"the journal has {len(named)} names instead of one")
            return
        self.journal_id = named[0].id
        chain = genesis(self._key, self.journal_id)
        if not same(chain, named[0].genesis):
            self._tell_wrong_key(chain)
            yield Finding(0, "the journal's own row was changed")
        for row, stored in self._rows():
            yield from self._check(row, stored, chain)
            chain = stored
            self.events += 1
            self.last_seq = row.seq

    def _check(self, row: Row, stored: str, previous: str) -> Iterator[Finding]:
        """A row that is missing breaks the next one's seal too: that is told once."""
        if row.seq != self.last_seq + 1:
            yield Finding(row.seq, f"events {self.last_seq + 1} to {row.seq - 1} are missing")
        elif not same(link(self._key, previous, row), stored):
            yield Finding(row.seq, "the event was changed, moved or put in")

    def _tell_wrong_key(self, first: str) -> None:
        """With the right key the first event's seal still fits, whatever happened to the journal's own row."""
        row = next(self._rows(), None)
        if row is None or not same(link(self._key, first, row[0]), row[1]):
            raise WrongKey

    def _rows(self) -> Iterator[tuple[Row, str]]:
        columns = (events.c[name] for name in ("seq", "order_id", "at", "kind", "body", "state", "chain"))
        page = select(*columns).order_by(events.c.seq).limit(_AT_ONCE)
        after: int | None = None
        while rows := self._connection.execute(page if after is None else page.where(events.c.seq > after)).all():
            for *values, stored in rows:
                yield Row(*values), stored
            after = rows[-1].seq


def _against_mark(connection: Connection, walk: _Walk, mark: Mark | None) -> Iterator[Finding]:
    if mark is None or not mark.seq:
        return
    if mark.journal_id != walk.journal_id:
        yield Finding(0, "this is another journal than the one the mark was made for")
    elif mark.seq > walk.last_seq:
        yield Finding(walk.last_seq, f"the end was cut off: events {walk.last_seq + 1} to {mark.seq} are missing")
    elif connection.execute(select(events.c.chain).where(events.c.seq == mark.seq)).scalar() != mark.chain:
        yield Finding(mark.seq, "the event is not the one that the mark vouches for")
