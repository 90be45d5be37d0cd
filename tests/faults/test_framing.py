"""Where a gateway's message ends: nothing may be said into the middle of one."""

from __future__ import annotations

from faults.framing import Framing, Tws, Web, tws_message, web_message

UPGRADED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
SHORT = web_message({"topic": "tic"})
LONG = web_message({"topic": "ntf", "args": "x" * 300})
HUGE = b"\x82\x7f" + (70_000).to_bytes(8, "big") + b"y" * 70_000


def pieces(framing: Framing, data: bytes, step: int) -> list[bytes]:
    """What is taken when so many bytes come at a time."""
    rest, found = bytearray(), []
    for start in range(0, len(data), step):
        rest += data[start : start + step]
        found += list(framing.take(rest))
    assert not rest
    return found


def test_messages_of_tws_are_whole_however_they_come() -> None:
    messages = [tws_message(1100, "lost"), tws_message(399, "held", 7)]
    for step in (1, 3, 1000):
        assert pieces(Tws(), b"API\0" + b"".join(messages), step) == [b"API\0", *messages]


def test_frames_of_a_websocket_are_whole_however_they_come() -> None:
    for step in (7, 1000, 100_000):
        framing = Web()
        assert pieces(framing, UPGRADED, len(UPGRADED)) == [UPGRADED]
        assert pieces(framing, SHORT + LONG + HUGE + SHORT, step) == [SHORT, LONG, HUGE, SHORT]


def test_frames_that_come_with_the_upgrade_are_taken_apart() -> None:
    assert pieces(Web(), UPGRADED + SHORT + LONG, 1000) == [UPGRADED, SHORT, LONG]


def test_into_an_http_answer_nothing_may_be_said() -> None:
    framing = Web()
    assert pieces(framing, b"HTTP/1.1 200 OK\r\n\r\n{}", 1000) == [b"HTTP/1.1 200 OK\r\n\r\n{}"]
    assert not framing.open
    pieces(framing, UPGRADED, 1000)
    assert framing.open
