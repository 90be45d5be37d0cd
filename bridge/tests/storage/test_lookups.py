"""No question that is asked while orders run reads a whole table: a million orders cost what a thousand do."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, event, text

from ibkr_bridge.domain.order import OrderStatus
from ibkr_bridge.storage.database import Location
from ibkr_bridge.storage.reader import Reader

ALL = frozenset(OrderStatus)


def newest(reader: Reader) -> str:
    """A cursor must be one that a page can have given."""
    return reader.page("DU1", None, None, 1).orders[0].id


QUESTIONS: dict[str, Callable[[Reader], object]] = {
    "one order": lambda reader: reader.order("x"),
    "bound": lambda reader: reader.bound("DU1", "x"),
    "by perm id": lambda reader: reader.known_as(7),
    "unfinished": lambda reader: reader.unfinished(),
    "next page": lambda reader: reader.page(None, None, newest(reader), 100),
    "next page of an account": lambda reader: reader.page("DU1", None, newest(reader), 100),
    "first page of an account": lambda reader: reader.page("DU1", None, None, 100),
    "pages of states": lambda reader: reader.page(None, ALL, None, 100),
    "pages of states of an account": lambda reader: reader.page("DU1", ALL, newest(reader), 100),
    "events": lambda reader: reader.events(10, 100),
    "executions": lambda reader: reader.executions("x"),
    "all executions": lambda reader: reader.all_executions(10, 100),
}


@pytest.mark.parametrize("question", QUESTIONS)
async def test_every_question_is_answered_by_an_index(opened: Any, story: Any, url: str, question: str) -> None:
    journal = await opened(url)
    await journal.append([entry for number in range(20) for entry in story.filled(f"order {number}")])
    asked: list[tuple[str, Any]] = []
    event.listen(Engine, "before_cursor_execute", note := lambda *call: asked.append((call[2], call[3])))
    reader = Reader(Location.parse(url))
    try:
        QUESTIONS[question](reader)
        selects = [
            (statement, values) for statement, values in asked if statement.startswith("SELECT") and "FROM" in statement
        ]
        event.remove(Engine, "before_cursor_execute", note)
        plan = "\n".join(line for statement, values in selects for line in explained(reader, statement, values))
    finally:
        reader.close()
    assert plan
    assert not re.search(r"SCAN (?!part_|found|\(subquery)", plan), plan
    assert "Seq Scan" not in plan


def explained(reader: Reader, statement: str, values: Any) -> list[str]:
    with reader.connected() as connection:
        if connection.dialect.name == "sqlite":
            return [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]
        connection.execute(text("SET LOCAL enable_seqscan = off"))  # so few rows would be read whole, and rightly
        return [row[0] for row in connection.exec_driver_sql(f"EXPLAIN {statement}", values)]
