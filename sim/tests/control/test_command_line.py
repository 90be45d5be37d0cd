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
from pathlib import Path
from typing import Any, NamedTuple

import pytest

PATIENCE = 20.0


class Running(NamedTuple):
    process: subprocess.Popen[str]
    ready: dict[str, Any]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "ibkr_sim", *arguments]


@contextmanager
def serving(*arguments: str, opens_webapi: bool = False) -> Iterator[Running]:
    doors = ("--webapi-port", "0") if opens_webapi else ("--no-webapi",)
    options = ("serve", "--tws-port", "0", "--control-port", "0", *doors, "--ready-json", *arguments)
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


def test_who_connects_in_the_first_moment_is_answered_as_soon_as_the_server_is_loaded() -> None:
    with serving(opens_webapi=True) as (_process, ready):
        questions = {"webapi_port": "/v1/api/iserver/auth/status", "control_port": "/control/clock"}
        early = {name: socket.create_connection(("127.0.0.1", ready[name]), PATIENCE) for name in questions}
        for name, path in questions.items():
            with early[name] as connection:
                connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
                assert connection.recv(64).startswith(b"HTTP/1.1 ")


@pytest.mark.parametrize(
    ("arguments", "name"), [(("--webapi-port", "0"), "the Web API"), (("--no-webapi",), "the control port")]
)
def test_a_server_that_cannot_be_loaded_ends_it_with_one_clear_line(
    tmp_path: Path, arguments: tuple[str, ...], name: str
) -> None:
    (tmp_path / "aiohttp.py").write_text('raise ImportError("this installation is broken")')
    options = ("--tws-port", "0", "--control-port", "0", *arguments)
    done = run("serve", *options, PYTHONPATH=str(tmp_path))
    assert done.returncode == 1
    assert done.stderr == f"ibkr-sim: {name} cannot open: this installation is broken\n"


def test_a_taken_web_api_port_is_refused_before_anything_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run("serve", "--tws-port", "0", "--control-port", "0", "--webapi-port", port, "--ready-json")
    assert (done.returncode, done.stdout) == (1, "")
    assert "cannot listen" in done.stderr
    assert "--webapi-port" in done.stderr


def test_help_says_where_the_web_api_is() -> None:
    text = " ".join(run("serve", "--help").stdout.split())
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
        assert [row["account"] for row in json.loads(done.stdout)["accounts"]] == ["DU9912345"]
    done = run("ledger", "--control-port", str(ready["control_port"]))
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)


def test_help_says_what_it_is_and_what_to_type() -> None:
    text = run("--help").stdout
    assert "SIMULATOR" in text
    assert "ibkr-sim serve" in text
