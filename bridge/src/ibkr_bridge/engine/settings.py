"""What the engine must be told; times in seconds."""

from __future__ import annotations

from dataclasses import dataclass, field

from ibkr_bridge.domain.interruptions import Window
from ibkr_bridge.domain.questions import Policy
from ibkr_bridge.domain.world import World
from ibkr_bridge.guards.verdict import Limits


@dataclass(frozen=True, slots=True)
class EngineSettings:
    world: World = World.PAPER
    read_only: bool = True
    allow_live: bool = False
    account: str | None = None
    """Pins the service to one account."""
    limits: Limits = field(default_factory=Limits)
    first_word_timeout: float = 3.0
    """How long POST /orders waits for the broker's first word."""
    quote_timeout: float = 5.0
    """How long a quote may take to arrive on a new line."""
    quote_settle: float = 0.3
    """How long a first quote may still be missing a part before it is answered as it is."""
    quote_linger: float = 60.0
    """How long a line stays open after the last caller has polled it."""
    summary_age: float = 5.0
    """How old an account summary may be before the broker is asked again."""
    policy: Policy = field(default_factory=Policy)
    """Which of the broker's questions are answered without asking anybody."""
    answer_timeout: float = 60.0
    """How long a caller may take to answer the broker's question."""
    inquiry_interval: float = 5.0
    """How often the broker is asked about orders whose fate is unknown."""
    never_arrived_after: float = 60.0
    """For how long complete looks must miss an unknown order before it counts as never arrived."""
    broker_time_zone: str | None = None
    """The login time zone of TWS or IB Gateway, whose midnight ends what it shows; None: not known."""
    reconcile_interval: float = 60.0
    """How often positions and executions are compared with the broker's."""
    settling: float = 10.0
    """How long a fill and the position it makes may be told apart."""
    interruptions: tuple[Window, ...] = ()
    """Known in advance: IBKR's resets, the gateway's restart."""
    regulatory_snapshots_per_day: int = 0
    """How many calls that IBKR charges for may leave in a day of UTC."""
    cancel_all_timeout: float = 9.5
    """How long a halt waits for its cancels."""
    flatten_slip_percent: int = 2
    """How far beyond the market the limit of a flattening order may lie."""
