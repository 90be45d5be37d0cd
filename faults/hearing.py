"""What a listener may be told: each entry of the journal once, in order, and a gap only where numbers show it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

from faults.records import Heard, Journalled


def hearing(journal: Journalled, heard: Sequence[Heard]) -> Iterator[str]:
    """What is wrong with the stream as one listener, who returned after every break, has heard it."""
    yield from _order(heard)
    told = {message.seq: message.exec_id for message in heard if message.exec_id is not None}
    for exec_id, count in Counter(message.exec_id for message in heard if message.exec_id is not None).items():
        if count > 1:
            yield f"the fill {exec_id} was told {count} times"
    numbers = {message.seq for message in heard}
    for seq in sorted(numbers):
        if told.get(seq) != journal.fills.get(seq):
            yield f"{seq} told {told.get(seq) or 'no fill'}, and the journal has {journal.fills.get(seq) or 'none'}"
    last = max(numbers, default=0)
    if last != journal.last_seq:
        yield f"the last number told is {last}, and the journal ends at {journal.last_seq}"


def _order(heard: Sequence[Heard]) -> Iterator[str]:
    """Whoever listens on one connection misses nothing; whoever returns sees a gap by the number that is missing."""
    for before, after in pairwise(heard):
        if after.seq < before.seq:
            yield f"{after.seq} was told after {before.seq}"
        elif after.seq == before.seq and after.connection != before.connection:
            yield f"{after.seq} was told in two connections"
        elif after.connection == before.connection and after.seq > before.seq + 1:
            yield f"{before.seq + 1} to {after.seq - 1} were not told, though nothing broke"
