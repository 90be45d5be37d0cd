"""What the command line refuses before anything starts; exit code 2."""

from __future__ import annotations

import ipaddress
import re

import click

ACCOUNT_PREFIX = "DU99"


def loopback(host: str) -> str:
    """Raises click.BadParameter for an address that others could reach."""
    if host == "localhost":
        # One address: the name may stand for two, of which each would take a free port of its own.
        return "127.0.0.1"
    try:
        local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = False
    if not local:
        raise click.BadParameter(f"{host}: the simulator listens on 127.0.0.1, ::1 or localhost only")
    return host


def account_ids(text: str) -> tuple[str, ...]:
    """Raises click.BadParameter for none, for one twice, and for one that could be mistaken for a real one."""
    ids = tuple(part.strip() for part in text.split(",") if part.strip())
    if not ids or len(set(ids)) != len(ids):
        raise click.BadParameter("give account ids, each once, with commas between")
    for account in ids:
        if not (account.startswith(ACCOUNT_PREFIX) and account.isascii() and account.isalnum()):
            raise click.BadParameter(f"{account}: a simulated account is {ACCOUNT_PREFIX} and digits")
    return ids


def hour(text: str) -> str:
    """Raises click.BadParameter for what is no hour and minute."""
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text):
        raise click.BadParameter(f"{text[:20]}: write hour and minute, as 23:45")
    return text
