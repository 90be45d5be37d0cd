"""Orders go only to the account that the service is pinned to, and only to one of this session."""

from __future__ import annotations

from ibkr_bridge.guards.verdict import Denial, Intent, View


def account_pin(intent: Intent, view: View) -> Denial | None:
    if view.pinned_account and intent.account != view.pinned_account:
        return Denial(
            guard="account_pin",
            detail=f"This service trades only {view.pinned_account}.",
            advice="Leave `account` out, or start another service for the other account.",
            limit=view.pinned_account,
            value=intent.account,
        )
    return None
