"""The lottery of bad days: what may go wrong in a world, how often, with which options, and for how long."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from faults.doors import Door
from faults.records import Json

BOTH: Final = frozenset(Door)
TWS: Final = frozenset({Door.TWS})
WEBAPI: Final = frozenset({Door.WEBAPI})
"""Where a bad day can happen."""
PLACING, TOUCHING, REPLYING = (
    "request:/iserver/account/*/orders",
    "request:/iserver/account/*/order/*",
    "request:/iserver/reply/*",
)
"""Requests that place orders, that change or cancel them, and that answer questions about them."""


@dataclass(frozen=True, slots=True)
class BadDay:
    """One of the simulator's faults. It strikes on `on`; once it has lasted, it is cleared."""

    name: str
    on: str = "now"
    options: Callable[[Random], Json] = lambda _chance: {}
    lasts: float = 0.0
    """Seconds on average; 0 for one that ends by itself, or never."""
    tickets: int = 1
    """More for one whose occasion is rare."""
    doors: frozenset[Door] = BOTH


@dataclass(frozen=True, slots=True)
class Strike:
    """A bad day as it was drawn."""

    name: str
    on: str
    options: Json
    seconds: float
    seed: int


def _drawn(**ranges: tuple[float, float]) -> Callable[[Random], Json]:
    return lambda chance: {name: round(chance.uniform(*ends), 2) for name, ends in ranges.items()}


def _chosen(**words: tuple[object, ...]) -> Callable[[Random], Json]:
    return lambda chance: {name: chance.choice(row) for name, row in words.items()}


def _cut_list(chance: Random) -> Json:
    of = chance.choice(("open_orders", "open_orders", "completed_orders", "executions"))
    return {"of": of, "missing": chance.choice((1, 1, 2, 5)), "ended": chance.random() < 0.6}


def _cut_at_a_byte(chance: Random) -> Json:
    return {"bytes": chance.randrange(600)}


def _cut_with_an_order(chance: Random) -> Json:
    return {"when": "before"} if chance.random() < 0.4 else {"when": "after", "bytes": chance.randrange(900)}


def _hanging(chance: Random) -> Json:
    paths = ("*", "/iserver/account/*/orders", "/iserver/account/*/order/*", "/iserver/reply/*", "/iserver/account/*")
    return {"path": chance.choice(paths), "handled": chance.random() < 0.5}


def _thin(chance: Random) -> Json:
    return {"of": chance.choice(("orders", "orders", "trades", "positions")), "tries": chance.choice((1, 3, 9))}


def _correction(chance: Random) -> Json:
    return {"price_by": chance.choice(("-0.01", "0.02")), "shares_by": chance.choice((0, 0, -1, -3))}


BAD_DAYS: Final = (
    BadDay("answer_lost", "order"),
    BadDay("cut", "order", _cut_with_an_order),
    BadDay("cut", "now", _cut_at_a_byte),
    BadDay("delay", "now", _drawn(seconds=(0.1, 2.5)), lasts=4),
    BadDay("link_lost", "now", _drawn(seconds=(0.5, 6.0))),
    BadDay("link_lost", "order", lasts=3),
    BadDay("link_restored", "now"),
    BadDay("link_restored_data_lost", "now"),
    BadDay("farm_down", "now", _chosen(farm=("usfarm", "ushmds", "secdefnj")), lasts=3, doors=TWS),
    BadDay("farm_up", "now", _chosen(farm=("usfarm", "ushmds", "secdefnj")), doors=TWS),
    BadDay("competing_session", "now", lasts=3, doors=TWS),
    BadDay("tif_preset", "order", _chosen(place=("first", "last")), doors=TWS),
    BadDay("order_held", "order", _drawn(seconds=(0.0, 8.0))),
    BadDay("client_id_held", "leave", _chosen(tries=(1, 3, 5)), doors=TWS),
    BadDay("silent_drop", "order"),
    BadDay("duplicate_execution", "execution"),
    BadDay("late_execution", "execution", _drawn(seconds=(0.2, 6.0))),
    BadDay("corrected_execution", "execution", _correction, tickets=2),
    BadDay("busted_execution", "execution", doors=TWS),
    BadDay("commission_first", "execution"),
    BadDay("fill_in_outage", "order"),
    BadDay("modify_forks", "modify", tickets=4),
    BadDay("nightly_restart", "now", lambda chance: {"seconds": chance.randint(2, 20), "relay": chance.random() < 0.5}),
    BadDay("second_factor", "now", lasts=3),
    BadDay("clock_skew", "now", _drawn(seconds=(-90, 90))),
    BadDay("snapshot_cut", "snapshot", _cut_list),
    BadDay("executions_since_midnight", "now"),
    BadDay("gateway_hangs", "now", lasts=3),
    BadDay("status_missing", "order", doors=TWS),
    BadDay("refused_cancel", "cancel"),
    BadDay("inactive_reject", "order", _chosen(status=(True, False))),
    BadDay("reply_race", "reply", _chosen(status=(400, 503)), tickets=2, doors=WEBAPI),
    BadDay("stale_reply", "reply", tickets=3, doors=WEBAPI),
    BadDay("error_inside", PLACING, _chosen(listed=(True, False)), doors=WEBAPI),
    BadDay("error_inside", TOUCHING, _chosen(listed=(True, False)), tickets=2, doors=WEBAPI),
    BadDay("error_inside", REPLYING, _chosen(listed=(True, False)), doors=WEBAPI),
    BadDay("error_inside", "request:/iserver/account/trades", doors=WEBAPI),
    BadDay("error_inside", "request:/iserver/account/orders", doors=WEBAPI),
    BadDay("empty_503", PLACING, _chosen(handled=(True, False)), doors=WEBAPI),
    BadDay("empty_503", TOUCHING, _chosen(handled=(True, False)), doors=WEBAPI),
    BadDay("empty_503", REPLYING, _chosen(handled=(True, False)), doors=WEBAPI),
    BadDay("cut_body", PLACING, _chosen(stall=(True, False)), doors=WEBAPI),
    BadDay("cut_body", REPLYING, _chosen(stall=(True, False)), doors=WEBAPI),
    BadDay("cut_body", "request:/iserver/account/orders", _chosen(stall=(True, False)), doors=WEBAPI),
    BadDay("answer_late", PLACING, _drawn(seconds=(0.5, 8.0)), doors=WEBAPI),
    BadDay("answer_late", REPLYING, _drawn(seconds=(0.5, 8.0)), doors=WEBAPI),
    BadDay("hang", "now", _hanging, lasts=4, doors=WEBAPI),
    BadDay("init_500", "now", _chosen(tries=(1, 2, 3)), doors=WEBAPI),
    BadDay("not_established", "now", _drawn(seconds=(1, 10)), doors=WEBAPI),
    BadDay("unauthorized", "now", doors=WEBAPI),
    BadDay("unauthorized", PLACING, doors=WEBAPI),
    BadDay("no_bridge", "now", doors=WEBAPI),
    BadDay("no_bridge", "reply", doors=WEBAPI),
    BadDay("accounts_first", "now", doors=WEBAPI),
    BadDay("competing", "now", _drawn(seconds=(1, 8)), doors=WEBAPI),
    BadDay("competing", "now", _drawn(every=(1, 4)), lasts=4, doors=WEBAPI),
    BadDay("paced_out", "now", lambda chance: {"seconds": chance.randint(2, 20)}, doors=WEBAPI),
    BadDay("thin_answer", "now", _thin, tickets=2, doors=WEBAPI),
    BadDay("topic_ends", "now", _chosen(topic=("sor", "str", "smd")), doors=WEBAPI),
    BadDay("silent_sor", "now", lasts=6, tickets=2, doors=WEBAPI),
    BadDay("socket_binary", "now", lasts=6, doors=WEBAPI),
    BadDay("socket_drops", "now", _chosen(tries=(0, 1, 2)), doors=WEBAPI),
    BadDay("socket_deaf", "now", lasts=4, doors=WEBAPI),
    BadDay("midnight_reset", "now", _drawn(seconds=(0.5, 6)), doors=WEBAPI),
    BadDay("login_lost", "now", _drawn(seconds=(0.5, 8)), doors=WEBAPI),
)
FOREVER: Final = "executions_since_midnight"
"""What happened before a midnight does not come back into the lists when the trouble is over."""


def draw(chance: Random, days: Sequence[BadDay]) -> Strike:
    """The next bad day."""
    [day] = chance.choices(days, [one.tickets for one in days])
    nth = chance.choice((1, 1, 2)) if day.on in ("order", "execution", "snapshot", "reply") else 1
    on = day.on if nth == 1 else f"{day.on}:{nth}"
    seconds = 0.3 + chance.expovariate(1 / day.lasts) if day.lasts else 0.0
    return Strike(day.name, on, day.options(chance), seconds, chance.randrange(1000))


def lottery(door: Door) -> tuple[BadDay, ...]:
    """Those that may be drawn."""
    return tuple(day for day in BAD_DAYS if door in day.doors)
