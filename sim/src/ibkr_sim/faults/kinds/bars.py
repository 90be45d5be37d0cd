"""Faults of bars that are told as they come: a stream ends with a word, and has to be asked for anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from ibkr_sim.faults.fault import TWS, Fault, Stage, tws_clients
from ibkr_sim.faults.ports import Client, Door

DISCONNECTED, BUSTED = 10182, 10225
_BUSTED: Final = (
    "Bust event occurred, current subscription is deactivated. Please resubscribe real-time bars immediately."
)


def end_live_bars(stage: Stage) -> None:
    """Of every client concerned."""
    for client in tws_clients(stage):
        for request_id in client.end_live_bars():
            stage.say(client, request_id, DISCONNECTED, "Failed to request live updates (disconnected).")


@dataclass(eq=False)
class LiveBarsEnd(Fault):
    """10182: bars that are kept up to date go on no longer, until they are asked for again.

    So whenever the link is lost, and around midnight (ib_insync#533); link_lost does it too.
    """

    doors: ClassVar[frozenset[Door]] = TWS

    def begin(self, client: Client | None) -> None:
        end_live_bars(self.stage)


@dataclass(eq=False)
class BarsBusted(Fault):
    """10225: a trade has been taken back, and real-time bars end until they are asked for again."""

    doors: ClassVar[frozenset[Door]] = TWS

    def begin(self, client: Client | None) -> None:
        for one in tws_clients(self.stage):
            for request_id in one.end_real_time_bars():
                self.stage.say(one, request_id, BUSTED, _BUSTED)
