"""Hours at the Web API's door in virtual time: IBKR's limits hold, sessions end at midnight, nobody is penalised."""

from __future__ import annotations

from datetime import UTC, datetime

from faults.day import play


def test_a_night_with_ibkrs_midnight_in_it_breaks_no_limit_and_comes_back() -> None:
    a_quarter_past_eleven_in_new_york = datetime(2026, 3, 3, 4, 15, tzinfo=UTC)
    day = play(hours=2, begins=a_quarter_past_eleven_in_new_york)
    assert day.complaints == ()
    assert day.calls[429] == 0
    assert day.logins == 1
    assert day.sessions >= 3
    assert day.orders > 5
    assert day.reads[200] > 500
