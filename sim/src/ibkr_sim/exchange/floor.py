"""The price paths of all contracts, computed no further than somebody looks."""

from __future__ import annotations

from collections.abc import Sequence

from ibkr_sim.exchange.contracts import Contracts
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
