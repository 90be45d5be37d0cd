"""Which far end is let in: the accounts it reports must be of the world, and hold the account, that was configured."""

from __future__ import annotations

from ibkr_bridge.config.settings import Settings
from ibkr_bridge.domain.errors import WorldMismatch
from ibkr_bridge.domain.world import strangers, world_of
from ibkr_bridge.ports.upstream import Admission


def admission(settings: Settings) -> Admission:
    """Raises WorldMismatch for accounts of another world, and when the pinned account is not among them."""

    async def admit(accounts: tuple[str, ...], _our_end: tuple[str, int]) -> None:
        world, pinned = settings.trading.world, settings.tws.account
        if foreign := strangers(world, accounts):
            found = ", ".join(f"{account} ({world_of(account)})" for account in foreign)
            raise WorldMismatch(
                f"The service is set up for the {world} world, but the gateway holds {found}.",
                advice="Connect to the gateway you mean, or set IBKR_SERVICE_WORLD.",
            )
        if pinned is not None and pinned not in accounts:
            raise WorldMismatch(
                f"The gateway holds {', '.join(accounts)}, but the service is pinned to {pinned}.",
                advice="Connect to the gateway you mean, or set IB_ACCOUNT.",
            )

    return admit
