"""The event for an answer that did not come, with the time by which its silence will have been weighed."""

from __future__ import annotations

from datetime import datetime, timedelta

from ibkr_bridge.domain.events import AnswerLost
from ibkr_bridge.engine.settings import EngineSettings


def answer_lost(text: str, at: datetime, settings: EngineSettings) -> AnswerLost:
    return AnswerLost(text, at, at + timedelta(seconds=settings.never_arrived_after))
