"""Who a caller of IBKR's own paths is."""

from __future__ import annotations

import os

from starlette.requests import Request

from ibkr_bridge.api.mirror.callers import COOKIE, Caller, Callers


def request(cookie: str = "", address: str = "127.0.0.1") -> Request:
    headers = [(b"cookie", cookie.encode())] if cookie else []
    return Request({"type": "http", "headers": headers, "client": (address, 50000)})


def cookie_of(caller: Caller) -> str:
    return f"{COOKIE}={caller.token}"


def test_who_brings_its_cookie_is_known_again_and_others_go_by_their_address() -> None:
    callers = Callers(os.urandom)
    first, new = callers.of(request(), introduce=True)
    assert new
    assert callers.of(request(cookie_of(first)), introduce=True) == (first, False)
    stranger, new = callers.of(request(), introduce=False)
    assert not new
    assert callers.of(request(), introduce=False)[0] is stranger
    assert callers.of(request(address="10.0.0.1"), introduce=False)[0] is not stranger
    assert callers.of(request(f"{COOKIE}=guessed"), introduce=False)[0] is stranger


def test_a_socket_belongs_to_whom_its_cookie_names_in_ibkrs_form() -> None:
    callers = Callers(os.urandom)
    caller, _new = callers.of(request(), introduce=True)
    for cookie in (f'api={{"session": "{caller.token}"}}', f"api={caller.token}", cookie_of(caller)):
        assert callers.named(request(cookie)) is caller


def test_strangers_in_any_number_push_nobody_out_who_has_come_back() -> None:
    callers = Callers(os.urandom)
    caller, _new = callers.of(request(), introduce=True)
    callers.of(request(cookie_of(caller)), introduce=False)
    for _stranger in range(10_001):
        callers.of(request(), introduce=True)
    assert callers.of(request(cookie_of(caller)), introduce=False)[0] is caller
