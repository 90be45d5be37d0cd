"""Asks a running simulator for its books."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from typing import Final

_PATIENCE: Final = 5.0


def fetch(control_port: int) -> str:
    """The ledger as indented JSON. Raises OSError when no simulator answers."""
    connection = HTTPConnection("127.0.0.1", control_port, timeout=_PATIENCE)
    try:
        connection.request("GET", "/control/ledger")
        answer = connection.getresponse()
        if answer.status != 200:
            raise ConnectionError(f"it said {answer.status}")
        return json.dumps(json.load(answer), indent=2)
    except ValueError as error:
        raise ConnectionError("it does not speak JSON") from error
    finally:
        connection.close()
