"""The price paths of all contracts, computed no further than somebody looks."""

from __future__ import annotations

from bisect import insort
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType

from ibkr_sim.exchange.listing.contracts import Contracts
from ibkr_sim.exchange.prices.bars import MINUTE, Bar, Minute, bar, invented
from ibkr_sim.exchange.prices.following import FollowingTape
from ibkr_sim.exchange.prices.past import Past
from ibkr_sim.exchange.prices.recording import Recording
from ibkr_sim.exchange.prices.replaying import ReplayedTape
from ibkr_sim.exchange.prices.tape import Tape
from ibkr_sim.exchange.prices.timeline import Timeline


class Floor:
    """Sleeping contracts catch up when they are read: a path depends on nothing but seed, contract and step."""

    def __init__(
        self,
        contracts: Contracts,
        seed: int,
        timeline: Timeline,
        levels: Mapping[int, list[int]] = MappingProxyType({}),
        recordings: Mapping[int, Recording] = MappingProxyType({}),
    ) -> None:
        """`levels` are those of an earlier run, from which paths go on; `recordings` are followed instead of a seed."""
        self._recordings = recordings
        self.step = 0
        self._levels = dict(levels)
        self._tapes: dict[int, Tape] = {}
        self._awake: list[int] = []
        self._contracts, self._seed, self._timeline = contracts, seed, timeline

    def tape(self, conid: int) -> Tape:
        """Raises KeyError for an unknown conid."""
        tape = self._tapes.get(conid)
        if tape is None:
            tape = self._make(conid)
        if tape.step < self.step:
            tape.advance_to(self.step)
        return tape

    def calm_until(self, conid: int, low: Decimal, high: Decimal, end: int) -> int:
        """The last step up to `end` before one at which the bid may not be above `low`, or the ask not below `high`."""
        tape = self._tapes.get(conid) or self.tape(conid)
        return tape.calm_until(low, high, self.step, end)

    def split(self, conid: int, ratio: Decimal) -> None:
        """Go on at other prices, after the contracts were changed; what follows the path follows it as it now is."""
        paths = [self.tape(one) for one in (conid, *self._tapes)]
        paths[0].divide(ratio)
        for tape in paths[1:]:
            contract = self._contracts.get(tape.contract.conid)
            base = None if contract is None else self._contracts.base(contract)
            if contract is not None and base is not None and base[0] == conid and isinstance(tape, FollowingTape):
                tape.follow_as(contract, base[1])
                if self._contracts.moves_with(contract, conid):
                    tape.divide(ratio)

    def wake(self, conid: int) -> None:
        """From now on the contract takes part in every step."""
        if conid not in self._awake:
            insort(self._awake, conid, key=self._contracts.place)

    def sleep(self, conid: int) -> None:
        """It takes part in no step until it is woken again."""
        if conid in self._awake:
            self._awake.remove(conid)

    def awake(self) -> Sequence[int]:
        """Conids in the catalogue's order, so that it does not matter who was woken first."""
        return self._awake

    def levels(self) -> dict[int, list[int]]:
        """Where every path stands that somebody has looked at, and its close of yesterday; in ticks."""
        walked = ((conid, tape) for conid, tape in self._tapes.items() if type(tape) is Tape)
        return self._levels | {conid: tape.standing for conid, tape in walked}

    def bars(self, conid: int, intervals: Sequence[tuple[datetime, datetime]]) -> Sequence[Bar]:
        """What is recorded, and before the opening what is invented. Raises KeyError for an unknown conid."""
        tape, past = self.tape(conid), self.past(conid)
        found = ((start, self._whole(tape, past, _seconds(start), _seconds(end))) for start, end in intervals)
        return [bar(start, whole, tape.tick) for start, whole in found if whole is not None]

    def past(self, conid: int) -> Past:
        """What came before the opening. Raises KeyError for an unknown conid."""
        tape = self.tape(conid)
        return Past(f"{self._seed}/{conid}", tape.reference, _seconds(self._timeline.origin), calm=tape.is_untraded)

    def _make(self, conid: int) -> Tape:
        """Raises KeyError for an unknown conid."""
        contract = self._contracts.get(conid)
        if contract is None:
            raise KeyError(conid)
        base = self._contracts.base(contract)
        if conid in self._recordings:
            tape: Tape = ReplayedTape(contract, self._recordings[conid], self._seed, self._timeline)
        elif base is None:
            tape = Tape(contract, self._contracts.reference(conid), self._seed, self._timeline)
            if conid in self._levels:
                tape.stand(*self._levels[conid])
        else:
            followed = self._tapes.get(base[0]) or self._make(base[0])
            tape = FollowingTape(contract, followed, base[1], self._seed, self._timeline)
        self._tapes[conid] = tape
        return tape

    def _whole(self, tape: Tape, past: Past, start: int, end: int) -> Minute | None:
        opening = _seconds(self._timeline.origin)
        recorded = tape.minutes.between(max(start, opening) // MINUTE, end // MINUTE)
        if start >= opening:
            return recorded
        whole = invented(past, start, min(end, opening), volume=tape.has_volume)
        if recorded is not None:
            whole.add(recorded)
        return whole


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
