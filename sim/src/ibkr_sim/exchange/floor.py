"""The price paths of all contracts, computed no further than somebody looks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ibkr_sim.exchange.bars import MINUTE, Bar, Minute, bar, invented
from ibkr_sim.exchange.contracts import Contracts
from ibkr_sim.exchange.past import Past
from ibkr_sim.exchange.prices import Tape
from ibkr_sim.exchange.timeline import Timeline


class Floor:
    """Sleeping contracts catch up when they are read: a path depends on nothing but seed, contract and step."""

    def __init__(self, contracts: Contracts, seed: int, timeline: Timeline) -> None:
        self.step = 0
        self._tapes = {
            contract.conid: Tape(contract, contracts.reference(contract.conid), seed, timeline)
            for contract in contracts
        }
        self._places = {conid: place for place, conid in enumerate(self._tapes)}
        self._awake: list[int] = []
        self._contracts, self._seed, self._timeline = contracts, seed, timeline

    def tape(self, conid: int) -> Tape:
        """Raises KeyError for an unknown conid."""
        tape = self._tapes[conid]
        tape.advance_to(self.step)
        return tape

    def wake(self, conid: int) -> None:
        """From now on the contract takes part in every step."""
        if conid not in self._awake:
            self._awake = sorted([*self._awake, conid], key=self._places.__getitem__)

    def awake(self) -> Sequence[int]:
        """Conids in the catalogue's order, so that it does not matter who was woken first."""
        return self._awake

    def bars(self, conid: int, intervals: Sequence[tuple[datetime, datetime]]) -> Sequence[Bar]:
        """What is recorded, and before the opening what is invented. Raises KeyError for an unknown conid."""
        tape, past = self.tape(conid), self.past(conid)
        found = ((start, self._whole(tape, past, _seconds(start), _seconds(end))) for start, end in intervals)
        return [bar(start, whole, tape.tick) for start, whole in found if whole is not None]

    def past(self, conid: int) -> Past:
        """What came before the opening. Raises KeyError for an unknown conid."""
        tape = self._tapes[conid]
        reference = int(self._contracts.reference(conid) / tape.tick)
        return Past(f"{self._seed}/{conid}", reference, _seconds(self._timeline.origin), calm=tape.is_currency)

    def _whole(self, tape: Tape, past: Past, start: int, end: int) -> Minute | None:
        opening = _seconds(self._timeline.origin)
        recorded = tape.minutes.between(max(start, opening) // MINUTE, end // MINUTE)
        if start >= opening:
            return recorded
        whole = invented(past, start, min(end, opening), volume=not tape.is_currency)
        if recorded is not None:
            whole.add(recorded)
        return whole


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
