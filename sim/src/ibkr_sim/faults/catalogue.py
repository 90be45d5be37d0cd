"""The names of all faults."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from ibkr_sim.faults.fault import Fault
from ibkr_sim.faults.kinds import executions, link, orders, sessions, snapshots, wire
from ibkr_sim.faults.options import describe

KINDS: Final[Mapping[str, type[Fault]]] = MappingProxyType(
    {
        "answer_lost": orders.AnswerLost,
        "cut": wire.Cut,
        "delay": wire.Delay,
        "link_lost": link.LinkLost,
        "link_restored": link.LinkRestored,
        "link_restored_data_lost": link.LinkRestoredDataLost,
        "farm_down": link.FarmDown,
        "farm_up": link.FarmUp,
        "competing_session": link.CompetingSession,
        "tif_preset": orders.TifPreset,
        "order_held": orders.OrderHeld,
        "client_id_held": sessions.ClientIdHeld,
        "silent_drop": orders.SilentDrop,
        "duplicate_execution": executions.DuplicateExecution,
        "late_execution": executions.LateExecution,
        "corrected_execution": executions.CorrectedExecution,
        "commission_first": executions.CommissionFirst,
        "fill_in_outage": wire.FillInOutage,
        "modify_forks": orders.ModifyForks,
        "nightly_restart": sessions.NightlyRestart,
        "second_factor": sessions.SecondFactor,
        "clock_skew": link.ClockSkew,
        "snapshot_cut": snapshots.SnapshotCut,
        "executions_since_midnight": snapshots.ExecutionsSinceMidnight,
        "gateway_hangs": sessions.GatewayHangs,
        "status_missing": orders.StatusMissing,
        "refused_cancel": orders.RefusedCancel,
        "inactive_reject": orders.InactiveReject,
    }
)


def available() -> list[dict[str, Any]]:
    """Every fault with its sentence, its options and their defaults, and the moment on which it acts."""
    return [
        {"name": name, "summary": summary(kind), "options": describe(kind), "acts_on": kind().own_moment() or "now"}
        for name, kind in KINDS.items()
    ]


def summary(kind: type[Fault]) -> str:
    """The first paragraph of what its source says."""
    return " ".join((inspect.getdoc(kind) or "").partition("\n\n")[0].split())
