"""What one process does with one seed, by name, so that it can be sent to it."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from faults.books import Complaint, Wrong, complaints
from faults.naive import NaiveClient
from faults.planted import planted
from faults.records import Outcome
from faults.service import ACCOUNT
from faults.verdict import Verdict, verdict
from faults.world import play, play_with


@dataclass(frozen=True, slots=True)
class Catch:
    """The first seed that a planted bug could not pass; None when it passed them all."""

    name: str
    seed: int | None = None
    complaint: Complaint | None = None


def ours(journal: str, seed: int) -> Verdict:
    return _judged(seed, lambda: play(seed, journal))


def naive(seed: int) -> Verdict:
    return _judged(seed, lambda: play_with(seed, lambda wire: NaiveClient(wire.port, ACCOUNT)))


def real(seed: int) -> Verdict:
    """In real time, with processes of its own."""
    from faults.real import play_for_real  # noqa: PLC0415  loads a web client that virtual worlds do not need

    return _judged(seed, lambda: play_for_real(seed))


def _judged(seed: int, played: Callable[[], Outcome]) -> Verdict:
    """One world that breaks must not end a run of ten thousand."""
    try:
        return verdict(played())
    except Exception:  # noqa: BLE001  whatever it was, it is told with the seed that shows it
        broken = Complaint(Wrong.BROKEN, f"the world came to no end\n{traceback.format_exc()}")
        return Verdict(seed, 0, (broken,), frozenset(), ())


def bugs() -> Sequence[str]:
    return tuple(planted())


def catch(journal: str, seeds: Sequence[int], name: str) -> Catch:
    """A seed that the service as it is does not pass either catches nobody."""
    for seed in seeds:
        found = complaints(play(seed, journal, planted()[name]))
        if found and not complaints(play(seed, journal)):
            return Catch(name, seed, found[0])
    return Catch(name)
