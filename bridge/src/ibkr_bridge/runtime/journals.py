"""Opens the journal that the settings name."""

from __future__ import annotations

from ibkr_bridge.config.settings import JournalSettings
from ibkr_bridge.ports.clock import Clock
from ibkr_bridge.ports.journal import Journal
from ibkr_bridge.storage.memory import MemoryJournal

MEMORY = "memory"


async def open_journal(settings: JournalSettings, clock: Clock) -> Journal:
    """Raises JournalError, whose advice is the operator's next step."""
    if settings.address == MEMORY:
        return MemoryJournal()
    # Databases' libraries are imported only by who keeps a journal on disk: the demo does not.
    from ibkr_bridge.storage.audit.key import audit_key, default_path  # noqa: PLC0415
    from ibkr_bridge.storage.sql import SqlJournal  # noqa: PLC0415

    secret = settings.audit_key.get_secret_value() if settings.audit_key else None
    key = audit_key(secret, settings.audit_key_file or default_path())
    return await SqlJournal.open(settings.address, key=key, clock=clock, mark_path=settings.audit_mark)
