"""OAuth 1.0a: fixed vectors worked out with plain integers, and the whole handshake with the simulator's provider."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from ibkr_bridge.cli.oauth import setup
from ibkr_bridge.domain.session import SessionState
from ibkr_bridge.runtime.clock import SystemClock
from ibkr_bridge.upstream.webapi.oauth import dhparam, handshake, primes, signing
from ibkr_bridge.upstream.webapi.oauth.handshake import LiveSessionToken, live_session_token
from ibkr_bridge.upstream.webapi.oauth.keys import Credentials, load
from ibkr_sim.webapi.oauth.registration import Registration, ready_consumer

Rig = Any
Opening = Callable[..., Any]
HOUR = 3600.0


@pytest.fixture(scope="session")
def registration() -> Registration:
    return ready_consumer("BRIDGEKEY")


@pytest.fixture(scope="session")
def stranger() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="session")
def credentials(registration: Registration) -> Credentials:
    return Credentials(
        "BRIDGEKEY",
        registration.access_token,
        registration.access_token_secret,
        _key(registration.signature_key),
        _key(registration.encryption_key),
        int(registration.prime, 16),
    )


async def test_a_signed_session_is_ready_and_trades(
    rigs: Opening, credentials: Credentials, registration: Registration, make: Any
) -> None:
    rig = await rigs(credentials=credentials, door_auto_login=False, door_consumers=(registration.consumer,))
    await rig.ready()
    assert rig.admitted == [(("DU9912345", "DU9967890"), ("", 0))]
    assert "oauth" in rig.upstream.capabilities.supported
    assert (await rig.place(make.order())).order_id > 0


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"consumer_key": "WRONGKEYX"}, "session.consumer_unknown"),
        ({"realm": "test_realm"}, "session.realm_wrong"),
        ({"access_token": "0" * 20}, "session.token_expired"),
        ({"signature_key": None}, "session.signature_refused"),
        ({"encryption_key": None}, "session.signature_refused"),
        ({"access_token_secret": "AAAA"}, "session.signature_refused"),
        ({"prime": primes.RFC_3526 - 2}, "session.signature_refused"),
    ],
)
async def test_what_is_wrong_with_the_credentials_has_a_name_and_a_next_step(
    rigs: Opening,
    credentials: Credentials,
    registration: Registration,
    stranger: rsa.RSAPrivateKey,
    change: dict[str, Any],
    code: str,
) -> None:
    change = {name: stranger if value is None else value for name, value in change.items()}
    rig = await rigs(
        credentials=replace(credentials, **change), door_auto_login=False, door_consumers=(registration.consumer,)
    )
    reason = await rig.code(code)
    assert len(reason) > 40
    assert rig.upstream.session.state is not SessionState.READY


async def test_a_clock_that_is_off_is_blamed(
    rigs: Opening, credentials: Credentials, registration: Registration
) -> None:
    class Behind(SystemClock):
        def now(self) -> datetime:
            return super().now() - timedelta(hours=1)

    rig = await rigs(
        credentials=credentials, door_auto_login=False, door_consumers=(registration.consumer,), clock=Behind()
    )
    assert "3600 s behind" in (await rig.code("session.clock_skewed")).replace("3601", "3600").replace("3599", "3600")


async def test_a_token_is_renewed_before_it_ends(
    rigs: Opening, credentials: Credentials, registration: Registration
) -> None:
    rig = await rigs(
        credentials=credentials,
        door_auto_login=False,
        door_consumers=(registration.consumer,),
        renew_before=24 * HOUR - 1,
        tickle_interval=0.1,
    )
    await rig.ready()
    handshakes = f"POST {handshake.PATH}"
    await rig.until(lambda: rig.moments.count(handshakes) >= 2 and rig.upstream.session.ready)


async def test_a_token_that_ibkr_has_forgotten_is_agreed_on_anew(
    rigs: Opening, credentials: Credentials, registration: Registration
) -> None:
    rig = await rigs(
        credentials=credentials, door_auto_login=False, door_consumers=(registration.consumer,), tickle_interval=0.1
    )
    await rig.ready()
    opened = rig.upstream.session.opened_at
    for session in list(rig.door.house.sessions.signed.values()):
        rig.door.house.sessions.log_out(session)
    await rig.until(lambda: rig.upstream.session.ready and rig.upstream.session.opened_at > opened)


def test_a_base_string_is_encoded_twice_and_sorted() -> None:
    told = signing.base_string("post", "https://api.ibkr.com/v1/api/tickle", {"b": "2", "a": "1"}, "beef")
    assert told == "beefPOST&https%3A%2F%2Fapi.ibkr.com%2Fv1%2Fapi%2Ftickle&a%3D1%26b%3D2"


def test_a_header_names_the_realm_and_sorts_its_parts() -> None:
    assert signing.header({"b": "2", "a": "1"}, "limited_poa") == 'OAuth a="1", b="2", realm="limited_poa"'


def test_requests_are_signed_with_the_token_as_a_key(credentials: Credentials) -> None:
    token = LiveSessionToken(bytes(range(20)), 0.0)
    told = handshake.authorization(credentials, token, "GET", "https://x/y", 1700000000, lambda count: b"\7" * count)
    pairs = (
        f"oauth_consumer_key=BRIDGEKEY&oauth_nonce={'07' * 16}&oauth_signature_method=HMAC-SHA256"
        f"&oauth_timestamp=1700000000&oauth_token={credentials.access_token}"
    )
    text = "GET&https%3A%2F%2Fx%2Fy&" + pairs.replace("=", "%3D").replace("&", "%26")
    digest = base64.b64encode(hmac.new(bytes(range(20)), text.encode(), hashlib.sha256).digest()).decode()
    assert f'oauth_signature="{digest.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")}"' in told


@pytest.mark.parametrize(
    ("response", "exponent", "secret"),
    [
        (3, 5, "00f3"),  # 243: the first bit is set, so Java writes a zero before it
        (3, 4, "51"),
        (2, 15, "008000"),
        (2, 8, "0100"),
        (2, 7, "0080"),
    ],
)
def test_the_shared_secret_is_written_as_java_writes_it(response: int, exponent: int, secret: str) -> None:
    expected = hmac.new(bytes.fromhex(secret), b"prepend", hashlib.sha1).digest()
    assert live_session_token(response, exponent, 2**61 - 1, b"prepend") == expected


def test_the_well_known_prime_is_the_one_of_the_rfc() -> None:
    """2^2048 - 2^1984 - 1 + 2^64 * ([2^1918 pi] + 124476)."""
    assert 2**2048 - 2**1984 - 1 + 2**64 * (_pi(1918) + 124476) == primes.RFC_3526


def test_parameters_are_written_as_openssl_reads_them(tmp_path: Path) -> None:
    assert dhparam.read(dhparam.write(primes.RFC_3526, 2)) == (primes.RFC_3526, 2)
    assert dhparam.write(23, 5) == b"-----BEGIN DH PARAMETERS-----\nMAYCARcCAQU=\n-----END DH PARAMETERS-----\n"
    for broken in (b"", b"-----BEGIN DH PARAMETERS-----\nMAYC\n-----END DH PARAMETERS-----\n"):
        with pytest.raises(ValueError, match=r"."):
            dhparam.read(broken)


def test_secrets_are_shown_to_nobody(credentials: Credentials) -> None:
    shown = repr(credentials) + repr(LiveSessionToken(b"secret", 1.0))
    assert "BRIDGEKEY" in shown
    for secret in (credentials.access_token, credentials.access_token_secret, str(credentials.prime), "secret"):
        assert secret not in shown.replace("access_token_secret", "")


def test_setup_makes_keys_that_work_and_overwrites_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "keys"
    setup(folder, known_prime=True)
    told = capsys.readouterr().out
    for word in ("IBKR_SERVICE_OAUTH_REALM=limited_poa", "public_signature.pem", "interactivebrokers.com", str(folder)):
        assert word in told
    if os.name == "posix":
        assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    loaded = load(
        consumer_key="BRIDGEKEY",
        access_token="x",
        access_token_secret="y",
        signature_key_file=folder / "private_signature.pem",
        encryption_key_file=folder / "private_encryption.pem",
        dh_prime_file=folder / "dhparam.pem",
    )
    assert (loaded.prime, loaded.signature_key.key_size) == (primes.RFC_3526, 2048)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(Exception, match="2"):
        setup(folder, known_prime=True)
    assert before == {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_file_that_is_something_else_is_named(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("nothing")
    setup(tmp_path / "keys", known_prime=True)
    good = tmp_path / "keys" / "private_signature.pem"
    for files in ((tmp_path / "key.pem", good), (good, tmp_path / "missing.pem")):
        with pytest.raises(ValueError, match=r"(key|missing)\.pem"):
            load(
                consumer_key="K",
                access_token="x",
                access_token_secret="y",
                signature_key_file=files[0],
                encryption_key_file=files[1],
                dh_prime_file=tmp_path / "keys" / "dhparam.pem",
            )


def test_a_new_prime_is_safe() -> None:
    prime = primes.new_prime(bits=512)
    assert prime.bit_length() == 512
    assert all(pow(2, number - 1, number) == 1 for number in (prime, prime // 2))


def _key(pem: str) -> rsa.RSAPrivateKey:
    key = load_pem_private_key(pem.encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def _pi(bits: int) -> int:
    """The first digits of pi as a whole number, by Machin's formula."""
    scale = bits + 64

    def arctangent(inverse: int) -> int:
        term = total = (1 << scale) // inverse
        number, sign = 3, -1
        while term:
            term //= inverse * inverse
            total += sign * (term // number)
            number, sign = number + 2, -sign
        return total

    return (4 * (4 * arctangent(5) - arctangent(239))) >> 64
