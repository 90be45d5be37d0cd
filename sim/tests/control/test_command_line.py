"""The command: what it says, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest

PATIENCE = 20.0


class Running(NamedTuple):
    process: subprocess.Popen[str]
    ready: dict[str, Any]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "ibkr_sim", *arguments]


@contextmanager
def serving(*arguments: str) -> Iterator[Running]:
    options = ("serve", "--tws-port", "0", "--control-port", "0", "--no-webapi", "--ready-json", *arguments)
    pipe = subprocess.PIPE
    with subprocess.Popen(command(*options), stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            if "--nonce-stdin" in arguments:
                process.stdin.write("a secret\n")
                process.stdin.flush()
            yield Running(process, json.loads(process.stdout.readline()))
        finally:
            process.kill()


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env={**os.environ, **environment},
    )


def test_the_ready_line_names_ports_accounts_and_process() -> None:
    with serving("--accounts", "DU9900001") as (process, ready):
        assert ready.keys() == {"tws_port", "control_port", "accounts", "pid"}
        assert ready["accounts"] == ["DU9900001"]
        assert ready["pid"] == process.pid
        socket.create_connection(("127.0.0.1", ready["tws_port"]), 5).close()


@pytest.mark.parametrize(
    ("arguments", "opened"),
    [(("--webapi-port", "0"), True), (("--webapi-port", "-1"), False), (("--no-webapi",), False)],
)
def test_the_web_api_can_be_closed(arguments: tuple[str, ...], opened: bool) -> None:
    options = ("serve", "--tws-port", "0", "--control-port", "0", "--ready-json", *arguments)
    with subprocess.Popen(command(*options), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        process.kill()
    assert ("webapi_port" in ready) is opened


def test_help_says_where_the_web_api_is() -> None:
    text = run("serve", "--help").stdout
    assert "http://127.0.0.1:5000/v1/api" in text
    assert "default: 5000" in text


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals between processes")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly(number: signal.Signals) -> None:
    with serving() as (process, _ready):
        process.send_signal(number)
        _out, error = process.communicate(timeout=PATIENCE)
        assert (process.returncode, error) == (0, "")


def test_it_ends_with_its_parent() -> None:
    with serving("--exit-with-parent", "--nonce-stdin") as (process, _ready):
        assert process.poll() is None
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(PATIENCE) == 0


def test_a_port_in_use_is_one_clear_line() -> None:
    with serving() as (_process, ready):
        for option, other in (("--tws-port", "--control-port"), ("--control-port", "--tws-port")):
            name = option.removeprefix("--").replace("-", "_")
            done = run("serve", "--no-webapi", option, str(ready[name]), other, "0")
            assert done.returncode == 1
            assert done.stdout == ""
            assert len(done.stderr.splitlines()) == 1
            assert "cannot listen" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("--host", "0.0.0.0"),
        ("--host", "example.com"),
        ("--accounts", "U1234567"),
        ("--accounts", "DU9912345,DU9912345"),
        ("--tws-port", "70000"),
        ("--speed", "-1"),
    ],
)
def test_what_would_be_dangerous_or_senseless_is_refused(arguments: tuple[str, str]) -> None:
    assert run("serve", *arguments).returncode == 2


def test_options_can_be_set_in_the_environment() -> None:
    assert run("serve", IBKR_SIM_HOST="0.0.0.0").returncode == 2


def test_the_ledger_of_a_running_simulator_is_printed() -> None:
    with serving() as (_process, ready):
        done = run("ledger", "--control-port", str(ready["control_port"]))
        assert [row["account"] for row in json.loads(done.stdout)["accounts"]] == ["DU9912345", "DU9967890"]
    done = run("ledger", "--control-port", str(ready["control_port"]))
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)


def test_help_says_what_it_is_and_what_to_type() -> None:
    text = run("--help").stdout
    assert "SIMULATOR" in text
    assert "ibkr-sim serve" in text
