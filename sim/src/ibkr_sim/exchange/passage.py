"""The passing of time: step by step while somebody may watch, in strides where nothing can happen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime

from ibkr_sim.exchange.events.agenda import Agenda
from ibkr_sim.exchange.prices.floor import Floor
from ibkr_sim.exchange.prices.timeline import Timeline
from ibkr_sim.exchange.publishing import Publisher
from ibkr_sim.exchange.trading.desk import Desk


class Passage:
    """Moves prices and orders, and turns the days."""

    def __init__(
        self,
        timeline: Timeline,
        floor: Floor,
        desk: Desk,
        agenda: Agenda,
        publisher: Publisher,
        turn_day: Callable[[datetime], None],
        quiet_after: int,
    ) -> None:
        """A leap of more than `quiet_after` steps publishes its end alone. `turn_day` is called with each midnight."""
        self._timeline, self._floor, self._desk, self._agenda = timeline, floor, desk, agenda
        self._publisher, self._turn_day, self._quiet_after = publisher, turn_day, quiet_after
        self._next_day = timeline.next_day(0)

    def to(self, target: int) -> None:
        """Up to that step, day by day, stopping for what the agenda says."""
        quiet = target - self._floor.step > self._quiet_after
        while self._floor.step < target:
            if self._floor.step + 1 == self._next_day:
                self._turn_day(self._timeline.time_of(self._next_day))
                self._next_day = self._timeline.next_day(self._next_day)
            end = self._stop(min(target, self._next_day - 1))
            self._stride(end) if quiet else self._walk(end)
            self._agenda.work(self._timeline.time_of(self._floor.step))
        if quiet:
            for conid in self._floor.awake():
                self._publisher.show(conid)

    def _stop(self, end: int) -> int:
        """Where a walk is interrupted by what the agenda says."""
        due = self._agenda.next
        return end if due is None else min(end, max(self._timeline.first_at(due), self._floor.step + 1))

    def _walk(self, end: int) -> None:
        """Make the steps up to `end`, all on one day, and publish each."""
        while self._floor.step < end:
            now = self._timeline.time_of(self._floor.step + 1)
            for conid in self._floor.awake():
                changed, traded = self._desk.step(conid, now)
                if changed or traded:
                    self._publisher.show(conid, traded)
            self._floor.step += 1
            self._desk.attend(now)

    def _stride(self, end: int) -> None:
        """As `_walk`, but quietly: only where an order may trade, move or wake it goes step by step."""
        while self._floor.step < end:
            here, until = self._floor.step, self._next_due(end)
            until, legs = self._desk.combos_calm_until(here, until)
            until, busy = self._calm_until(until, self._desk.followed() | legs)
            if busy:
                self._step_to(until, busy)
            else:
                self._floor.step = until
                self._desk.attend(self._timeline.time_of(until))

    def _calm_until(self, until: int, followed: AbstractSet[int]) -> tuple[int, list[int]]:
        """The step, at most `until`, up to which only some contracts can stir an order; and which."""
        here, busy = self._floor.step, []
        for conid in self._floor.awake():
            if conid not in followed and not self._desk.book(conid):
                continue
            calm = None if conid in followed else self._desk.calm(conid)
            reach = here if calm is None else self._floor.calm_until(conid, *calm, until)
            if reach == here:
                busy.append(conid)
            else:
                until = min(until, reach)
        return until, busy

    def _step_to(self, end: int, conids: Sequence[int]) -> None:
        """Only these, while all others are calm; until `end`, or until an order comes or goes."""
        stirrings = self._desk.stirrings
        while self._floor.step < end and self._desk.stirrings == stirrings:
            now = self._timeline.time_of(self._floor.step + 1)
            for conid in conids:
                self._desk.step(conid, now)
            self._floor.step += 1
            self._desk.attend(now)

    def _next_due(self, end: int) -> int:
        """The coming step at which an order's hour strikes, at most `end`."""
        alarm = self._desk.next_alarm
        if self._desk.is_vigilant:
            return self._floor.step + 1
        if alarm is None:
            return end
        return min(end, max(self._floor.step + 1, self._timeline.first_at(alarm)))
