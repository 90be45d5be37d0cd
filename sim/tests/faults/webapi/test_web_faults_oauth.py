"""Faults that callers with OAuth 1.0a meet; what signs here is written from the specification."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from ibkr_sim.webapi.oauth.registration import Registration, ready_consumer

if TYPE_CHECKING:
    from sim.tests.faults.webapi.conftest import House

INIT = "/v1/api/iserver/auth/ssodh/init"
ACCOUNTS = "/v1/api/portfolio/accounts"
HANDSHAKE = "/v1/api/oauth/live_session_token"


@pytest.fixture(scope="session")
def registration() -> Registration:
    return ready_consumer("TESTCONS")


class Signer:
    """A consumer with a user's access token."""

    def __init__(self, web: House, registration: Registration) -> None:
        self.web, self._mine = web, registration
        self._root = web.door.url.removesuffix("/v1/api")
        key = self._key(registration.encryption_key)
        self._secret = key.decrypt(base64.b64decode(registration.access_token_secret), padding.PKCS1v15())
        self._live = b""

    async def handshake(self) -> tuple[int, Any]:
        prime, exponent = self._mine.consumer.prime, secrets.randbits(256)
        parameters = self._parameters("RSA-SHA256") | {"diffie_hellman_challenge": f"{pow(2, exponent, prime):x}"}
        text = self._secret.hex() + self._base("POST", HANDSHAKE, parameters)
        signature = self._key(self._mine.signature_key).sign(text.encode(), padding.PKCS1v15(), SHA256())
        status, answer = await self.web.call("POST", HANDSHAKE, headers=self._header(signature, parameters))
        if status == 200:
            agreed = pow(int(answer["diffie_hellman_response"], 16), exponent, prime)
            self._live = hmac.new(
                agreed.to_bytes(agreed.bit_length() // 8 + 1, "big"), self._secret, hashlib.sha1
            ).digest()
        return status, answer

    async def call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        parameters = self._parameters("HMAC-SHA256")
        signature = hmac.new(self._live, self._base(method, path, parameters).encode(), hashlib.sha256).digest()
        sent: dict[str, Any] = {} if body is None else {"json": body}
        return await self.web.call(method, path, headers=self._header(signature, parameters), **sent)

    async def trades(self) -> bool:
        """Whether it has a brokerage session, once it has asked for one."""
        _status, told = await self.call("POST", INIT, {"publish": True, "compete": True})
        return bool(told.get("authenticated"))

    def _key(self, pem: str) -> rsa.RSAPrivateKey:
        key = load_pem_private_key(pem.encode(), None)
        assert isinstance(key, rsa.RSAPrivateKey)
        return key

    def _parameters(self, method: str) -> dict[str, str]:
        return {
            "oauth_consumer_key": self._mine.consumer.key,
            "oauth_nonce": secrets.token_hex(8),
            "oauth_signature_method": method,
            "oauth_timestamp": str(int(time.time())),
            "oauth_token": self._mine.access_token,
        }

    def _base(self, method: str, path: str, parameters: dict[str, str]) -> str:
        joined = "&".join(f"{name}={parameters[name]}" for name in sorted(parameters))
        return f"{method}&{quote(self._root + path, safe='')}&{quote(joined, safe='')}"

    def _header(self, signature: bytes, parameters: dict[str, str]) -> dict[str, str]:
        signed = quote(base64.b64encode(signature).decode(), safe="")
        pairs = {"realm": "limited_poa", **parameters, "oauth_signature": signed}
        return {"Authorization": "OAuth " + ", ".join(f'{name}="{value}"' for name, value in sorted(pairs.items()))}


@pytest.fixture
async def signer(open_web: Callable[..., Any], registration: Registration) -> Signer:
    """One that is ready to trade."""
    opened = Signer(await open_web(auto_login=False, consumers=(registration.consumer,)), registration)
    assert (await opened.handshake())[0] == 200
    assert await opened.trades()
    return opened


async def test_an_expired_token_is_401_until_a_new_handshake(signer: Signer) -> None:
    signer.web.fault("token_expired", "request:2")
    assert (await signer.call("GET", ACCOUNTS))[0] == 200
    assert (await signer.call("GET", ACCOUNTS))[0] == 401
    assert (await signer.handshake())[0] == 200
    assert (await signer.call("GET", ACCOUNTS))[0] == 200
    assert await signer.trades()


async def test_an_invalid_consumer_can_neither_ask_nor_shake_hands_until_its_time(signer: Signer) -> None:
    signer.web.fault("invalid_consumer", seconds=60)
    for status, body in [await signer.call("GET", ACCOUNTS), await signer.handshake()]:
        assert (status, body["error"].partition("error: ")[2]) == (401, "invalid consumer")
    signer.web.advance(61)
    await signer.web.until(lambda: not signer.web.simulator.faults.injections)
    assert (await signer.call("GET", ACCOUNTS))[0] == 200


async def test_by_a_wrong_clock_every_timestamp_is_refused(signer: Signer) -> None:
    signer.web.fault("clock_skew", seconds=600)
    status, body = await signer.call("GET", ACCOUNTS)
    assert (status, "timestamp" in body["error"]) == (401, True)
    signer.web.clear()
    assert (await signer.call("GET", ACCOUNTS))[0] == 200


async def test_at_midnight_signed_sessions_end_too(signer: Signer) -> None:
    signer.web.fault("midnight_reset")
    assert (await signer.call("GET", ACCOUNTS))[0] == 401
    await signer.handshake()
    assert (await signer.call("GET", ACCOUNTS))[0] == 200


async def test_a_lost_login_of_the_gateway_does_not_concern_who_signs(signer: Signer) -> None:
    signer.web.fault("login_lost")
    assert (await signer.call("GET", ACCOUNTS))[0] == 200


async def test_a_fault_can_be_one_for_who_signs_alone(signer: Signer) -> None:
    signer.web.fault("error_inside", client="oauth1", times=0, on="request~1")
    assert (await signer.call("GET", ACCOUNTS))[1] == {"error": "Service temporarily unavailable"}
    assert (await signer.web.call("GET", "/portfolio/accounts"))[0] == 401
