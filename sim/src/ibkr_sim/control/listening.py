"""The control port's socket, opened before the web server behind it is loaded: who connects early just waits."""

from __future__ import annotations

import ipaddress
import socket


def listen(host: str, port: int) -> socket.socket:
    """Raises OSError when the port is taken."""
    family = socket.AF_INET6 if ipaddress.ip_address(host).version == 6 else socket.AF_INET
    listener = socket.create_server((host, port), family=family)
    listener.settimeout(0)
    return listener
