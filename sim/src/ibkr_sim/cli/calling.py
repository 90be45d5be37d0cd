"""Speaks to the control port of a running simulator, and says on the terminal what came of it."""

from __future__ import annotations

import json
from typing import IO, Any, Final

import click

CONTROL_PORT: Final = 4080
_PATIENCE: Final = 5.0
control_port = click.option(
    "--control-port",
    envvar="IBKR_SIM_CONTROL_PORT",
    show_envvar=True,
    default=CONTROL_PORT,
    type=click.IntRange(1, 65535),
    help="Of the simulator to ask.",
)


class Failure(click.ClickException):
    """One line on stderr, and the exit code 1."""

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"ibkr-sim: {self.message}", file=file, err=True)


class Refusal(Failure):
    """The simulator's own words about what it does not do."""

    exit_code = 2


def ask(port: int, method: str, path: str, body: object = None) -> Any:
    """The answer's JSON. Raises Failure when no simulator answers, and Refusal."""
    try:
        status, content = _exchange(port, method, path, body)
        if status == 422 and isinstance(content, dict) and "detail" in content:
            raise Refusal(str(content["detail"]))
        if status not in (200, 201):
            raise ConnectionError(f"it said {status}")
    except OSError as error:
        raise Failure(f"no simulator answers at 127.0.0.1:{port} ({error})") from error
    return content


def show(answer: object) -> None:
    """JSON for people and for programs."""
    click.echo(json.dumps(answer, indent=2))


def _exchange(port: int, method: str, path: str, body: object) -> tuple[int, Any]:
    """The answer's status and JSON. Raises OSError."""
    from http.client import HTTPConnection, HTTPException  # noqa: PLC0415  `serve` starts without it

    connection = HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
    try:
        text = None if body is None else json.dumps(body)
        connection.request(method, path, text, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, json.load(answer)
    except (ValueError, HTTPException) as error:
        raise ConnectionError("it does not speak HTTP and JSON") from error
    finally:
        connection.close()
