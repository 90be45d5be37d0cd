"""The names of all faults."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from ibkr_sim.faults.fault import Fault
from ibkr_sim.faults.kinds import (
    bars,
    executions,
    farms,
    link,
    logins,
    orders,
    replies,
    requests,
    sessions,
    snapshots,
    sockets,
    wire,
)
from ibkr_sim.faults.options import describe

KINDS: Final[Mapping[str, type[Fault]]] = MappingProxyType(
    {
        "answer_lost": orders.AnswerLost,
        "cut": wire.Cut,
        "delay": wire.Delay,
        "link_lost": link.LinkLost,
        "server_link_broken": link.ServerLinkBroken,
        "link_restored": link.LinkRestored,
        "link_restored_data_lost": link.LinkRestoredDataLost,
        "farm_down": farms.FarmDown,
        "farm_up": farms.FarmUp,
        "farm_connecting": farms.FarmConnecting,
        "farm_inactive": farms.FarmInactive,
        "live_bars_end": bars.LiveBarsEnd,
        "bars_busted": bars.BarsBusted,
        "competing_session": link.CompetingSession,
        "tif_preset": orders.TifPreset,
        "order_held": orders.OrderHeld,
        "client_id_held": sessions.ClientIdHeld,
        "silent_drop": orders.SilentDrop,
        "duplicate_execution": executions.DuplicateExecution,
        "late_execution": executions.LateExecution,
        "corrected_execution": executions.CorrectedExecution,
        "busted_execution": executions.BustedExecution,
        "commission_first": executions.CommissionFirst,
        "fill_in_outage": wire.FillInOutage,
        "modify_forks": orders.ModifyForks,
        "nightly_restart": sessions.NightlyRestart,
        "port_reset": sessions.PortReset,
        "second_factor": sessions.SecondFactor,
        "clock_skew": link.ClockSkew,
        "snapshot_cut": snapshots.SnapshotCut,
        "executions_since_midnight": snapshots.ExecutionsSinceMidnight,
        "gateway_hangs": sessions.GatewayHangs,
        "status_missing": orders.StatusMissing,
        "refused_cancel": orders.RefusedCancel,
        "inactive_reject": orders.InactiveReject,
        "reply_race": replies.ReplyRace,
        "stale_reply": replies.StaleReply,
        "error_inside": requests.ErrorInside,
        "init_500": logins.InitFails,
        "not_established": logins.NotEstablished,
        "unauthorized": logins.Unauthorized,
        "no_bridge": logins.NoBridge,
        "accounts_first": logins.AccountsFirst,
        "competing": logins.Competing,
        "paced_out": requests.PacedOut,
        "topic_ends": sockets.TopicEnds,
        "silent_sor": sockets.SilentOrders,
        "empty_503": requests.EmptyUnavailable,
        "hang": requests.Hang,
        "cut_body": requests.CutBody,
        "thin_answer": requests.ThinAnswer,
        "socket_binary": sockets.SocketBinary,
        "socket_drops": sockets.SocketDrops,
        "socket_deaf": sockets.SocketDeaf,
        "token_expired": logins.TokenExpired,
        "invalid_consumer": logins.InvalidConsumer,
        "midnight_reset": logins.MidnightReset,
        "login_lost": logins.LoginLost,
        "answer_late": requests.AnswerLate,
    }
)


def available() -> list[dict[str, Any]]:
    """Every fault with its sentence, its options and their defaults, the moment on which it acts, and its doors."""
    return [
        {
            "name": name,
            "summary": summary(kind),
            "options": describe(kind),
            "acts_on": kind().own_moment() or "now",
            "doors": sorted(kind.doors),
        }
        for name, kind in KINDS.items()
    ]


def summary(kind: type[Fault]) -> str:
    """The first paragraph of what its source says."""
    return " ".join((inspect.getdoc(kind) or "").partition("\n\n")[0].split())
