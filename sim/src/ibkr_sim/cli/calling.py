"""Speaks to the control port of a running simulator."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

import typer

_PATIENCE: Final = 5.0


class Refusal(Exception):
    """The simulator's own words about a request that it does not carry out."""


def call(control_port: int, method: str, path: str, body: object = None) -> Any:
    """The answer's JSON. Raises OSError when no simulator answers, and Refusal."""
    from http.client import HTTPConnection  # noqa: PLC0415  `serve` starts without it

    connection = HTTPConnection("127.0.0.1", control_port, timeout=_PATIENCE)
    try:
        text = None if body is None else json.dumps(body)
        connection.request(method, path, text, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        content = json.load(answer)
    except ValueError as error:
        raise ConnectionError("it does not speak JSON") from error
    finally:
        connection.close()
    if answer.status in (200, 201):
        return content
    if answer.status == 422 and isinstance(content, dict) and "detail" in content:
        raise Refusal(str(content["detail"]))
    raise ConnectionError(f"it said {answer.status}")


def ask(control_port: int, question: Callable[[], Any]) -> Any:
    """Exit code 1 when no simulator answers, 2 for what it refuses; one line on stderr says why."""
    try:
        return question()
    except OSError as error:
        typer.echo(f"ibkr-sim: no simulator answers at 127.0.0.1:{control_port} ({error})", err=True)
        raise typer.Exit(1) from error
    except Refusal as refusal:
        typer.echo(f"ibkr-sim: {refusal}", err=True)
        raise typer.Exit(2) from refusal
