"""The commands behind single messages: bulletins, an advisor's accounts, a subscription to fundamentals."""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

PATIENCE = 20.0
COMMAND = (sys.executable, "-m", "ibkr_sim")


@pytest.fixture(scope="module")
def ready() -> Iterator[dict[str, Any]]:
    """The ready line of a simulator with an advisor and fundamentals."""
    options = ("--tws-port", "0", "--control-port", "0", "--no-webapi", "--ready-json", "--advisor", "--fundamentals")
    with subprocess.Popen((*COMMAND, "serve", *options), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.kill()


def bulletin(ready: dict[str, Any], *arguments: str) -> subprocess.CompletedProcess[str]:
    words = (*COMMAND, "bulletin", *arguments, "--control-port", str(ready["control_port"]))
    return subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, check=False)


def ask(ready: dict[str, Any], *fields: object) -> list[str]:
    """The first answer that is no notice, to a request of a client that was just welcomed."""

    def frame(*parts: object) -> bytes:
        payload = "".join(f"{part}\0" for part in parts).encode()
        return struct.pack(">I", len(payload)) + payload

    with socket.create_connection(("127.0.0.1", ready["tws_port"]), PATIENCE) as connection:
        stream = connection.makefile("rwb")
        stream.write(b"API\0" + struct.pack(">I", 9) + b"v100..178")
        stream.flush()
        stream.read(struct.unpack(">I", stream.read(4))[0])
        stream.write(frame(71, 2, 5, "") + frame(*fields))
        stream.flush()
        while True:
            (length,) = struct.unpack(">I", stream.read(4))
            message: list[str] = stream.read(length).decode("ascii").split("\0")[:-1]
            if message[0] not in ("15", "9") and "-1" not in message[:3]:
                return message


def test_an_advisor_is_added_to_the_accounts(ready: dict[str, Any]) -> None:
    assert ready["accounts"] == ["DU9912345", "DU9967890", "DF9900001"]
    assert ask(ready, 18, 1, 1)[:3] == ["16", "1", "1"]


def test_fundamentals_are_told(ready: dict[str, Any]) -> None:
    request = (52, 2, 9, 265598, "", "STK", "SMART", "", "USD", "", "ReportSnapshot", 0, "")
    assert ask(ready, *request)[:3] == ["51", "1", "9"]


def test_a_bulletin_is_issued_by_a_command(ready: dict[str, Any]) -> None:
    done = bulletin(ready, "NYSE is away", "--kind", "exchange-down", "--exchange", "nyse")
    assert (done.returncode, done.stderr) == (0, "")
    issued = json.loads(done.stdout)
    assert (issued["kind"], issued["text"], issued["exchange"]) == ("exchange-down", "NYSE is away", "NYSE")
    assert ask(ready, 12, 1, 1) == ["14", "1", str(issued["id"]), "2", "NYSE is away", "NYSE"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(("It is back", "--kind", "exchange-up"), "Name the exchange"), ((" ",), "characters"), ((), "Usage")],
)
def test_a_bulletin_that_makes_no_sense_is_refused_in_one_line(
    ready: dict[str, Any], arguments: tuple[str, ...], said: str
) -> None:
    done = bulletin(ready, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
