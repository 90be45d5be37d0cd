"""Log lines: one chain, no secrets."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from ibkr_bridge.config.settings import LogSettings
from ibkr_bridge.telemetry.logs import configure
from ibkr_bridge.telemetry.requests import RequestLog


@pytest.fixture
def lines() -> Iterator[Any]:
    """Reads what was written since; logging is put back as it was."""
    stream = io.StringIO()
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    configure(LogSettings(level="debug", format="json"), stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()


def test_our_lines_and_those_of_libraries_are_json_of_one_form(lines: Any) -> None:
    structlog.get_logger("ours").info("placed", order="1")
    logging.getLogger("uvicorn.error").warning("slow %s", "start", extra={"color_message": "x"})
    ours, theirs = lines()
    assert (ours["event"], ours["order"], ours["level"], ours["logger"]) == ("placed", "1", "info", "ours")
    assert (theirs["event"], theirs["level"], theirs["logger"]) == ("slow start", "warning", "uvicorn.error")
    assert ours["timestamp"].endswith("Z")
    assert "color_message" not in theirs


def test_secrets_are_blanked_however_deep(lines: Any) -> None:
    secret = "hush-hush"
    structlog.get_logger().info(
        "x", api_key=secret, token=secret, nested={"Authorization": secret, "deep": {"password": secret}}, safe="yes"
    )
    logging.getLogger("library").info("y", extra={"consumer_secret": secret})
    assert secret not in json.dumps(lines())
    assert lines()[0]["safe"] == "yes"


def test_chatter_of_libraries_stays_out(lines: Any) -> None:
    for name in ("ib_async.wrapper", "ib_async.client", "uvicorn.access", "uvicorn.error"):
        logging.getLogger(name).info("chatter")
    logging.getLogger("ib_async.client").warning("matters")
    assert [line["event"] for line in lines()] == ["matters"]


def test_an_exception_is_one_line(lines: Any) -> None:
    try:
        int("broken")
    except ValueError:
        logging.getLogger("ours").exception("it broke")
    (line,) = lines()
    assert "ValueError: invalid literal" in line["exception"]


async def test_a_request_is_logged_without_query_and_headers(lines: Any) -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 422, "headers": []})

    async def nothing(*_: Any) -> Any:
        return {}

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/orders",
        "query_string": b"key=hush",
        "headers": [(b"x", b"hush")],
    }
    await RequestLog(app)(scope, nothing, nothing)
    (line,) = lines()
    assert (line["method"], line["path"], line["status"]) == ("GET", "/orders", 422)
    assert line["ms"] >= 0
    assert "hush" not in json.dumps(line)
