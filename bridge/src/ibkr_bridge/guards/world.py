"""Orders go only into the world that was configured: simulated, paper or live."""

from __future__ import annotations

from ibkr_bridge.domain.world import World, strangers, world_of
from ibkr_bridge.guards.verdict import Denial, Intent, View


def world(intent: Intent, view: View) -> Denial | None:
    """Denies a foreign account, a session that holds one, and live trading that is not switched on."""
    foreign = strangers(view.expected_world, {intent.account, *view.session_accounts})
    if foreign:
        found = ", ".join(sorted({str(world_of(account)) for account in foreign}))
        return Denial(
            guard="world",
            detail=f"This service is set up for the {view.expected_world} world; the session's accounts are {found}.",
            advice="Connect to the right gateway, or set IBKR_SERVICE_WORLD to the world you mean.",
            limit=str(view.expected_world),
            value=found,
        )
    if view.expected_world is World.LIVE and not view.allow_live:
        return Denial(
            guard="world",
            detail="Live trading is switched off.",
            advice="Set IBKR_SERVICE_ALLOW_LIVE=true to trade real money.",
            limit="paper",
            value="live",
        )
    return None
