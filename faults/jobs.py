"""What one process does with one seed, by name, so that it can be sent to it."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from faults import day
from faults.books import Complaint, Wrong
from faults.doors import ACCOUNT, Door
from faults.naive import NaiveClient
from faults.planted import planted
from faults.records import Outcome
from faults.verdict import Verdict, verdict
from faults.world import play, play_with


@dataclass(frozen=True, slots=True)
class Catch:
    """The first seed that a planted bug could not pass; None when it passed them all."""

    name: str
    door: Door
    seed: int | None = None
    complaint: Complaint | None = None


def ours(journal: str, world: tuple[int, Door]) -> Verdict:
    seed, door = world
    return _judged(seed, door, lambda: play(seed, door, journal))


def naive(seed: int) -> Verdict:
    played = partial(play_with, seed, Door.TWS, lambda wire: NaiveClient(wire.port, ACCOUNT))
    return _judged(seed, Door.TWS, played)


def real(seed: int) -> Verdict:
    """In real time, with processes of its own, at the TWS door."""
    from faults.real import play_for_real  # noqa: PLC0415  loads a web client that virtual worlds do not need

    return _judged(seed, Door.TWS, lambda: play_for_real(seed))


def a_day(journal: str, seed: int) -> day.Day:
    return day.play(journal=journal, seed=seed)


def _judged(seed: int, door: Door, played: Callable[[], Outcome]) -> Verdict:
    """One world that breaks must not end a run of ten thousand."""
    try:
        return verdict(played())
    except Exception:  # noqa: BLE001  whatever it was, it is told with the seed that shows it
        broken = Complaint(Wrong.BROKEN, f"the world came to no end\n{traceback.format_exc()}")
        return Verdict(seed, door, 0, (broken,), frozenset(), ())


def bugs(doors: Sequence[Door]) -> list[tuple[str, Door]]:
    """Each bug once, at the first of these doors where it can be played."""
    found: dict[str, Door] = {}
    for door in doors:
        for name in planted(door):
            found.setdefault(name, door)
    return list(found.items())


def catch(journal: str, seeds: Sequence[int], bug: tuple[str, Door]) -> Catch:
    """A seed that the service as it is does not pass either catches nobody."""
    name, door = bug
    for seed in seeds:
        found = _judged(seed, door, partial(play, seed, door, journal, planted(door)[name])).complaints
        if found and not ours(journal, (seed, door)).complaints:
            return Catch(name, door, seed, found[0])
    return Catch(name, door)
