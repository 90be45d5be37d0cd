"""The address of a service that dies and lives again."""

from __future__ import annotations

import socket
import sys

import pytest

from faults.ports import reserved_port


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps a port at which nobody listens")
def test_a_reserved_port_is_kept_from_others_between_two_listeners() -> None:
    with reserved_port() as port:
        for _ in range(2):
            with socket.socket() as other, pytest.raises(OSError, match="in use"):
                other.bind(("127.0.0.1", port))
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port))
            with socket.create_server(("127.0.0.1", port)), socket.create_connection(("127.0.0.1", port)):
                pass
