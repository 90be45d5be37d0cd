"""OAuth, judged by fixed vectors and by a client written here from the specification with plain integers."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from ibkr_sim.webapi.consumers import Oauth2Client
from ibkr_sim.webapi.oauth.diffie_hellman import agree, is_acceptable, live_session_token, signed_bytes
from ibkr_sim.webapi.oauth.encoding import Malformed, base_string, parse_authorization
from ibkr_sim.webapi.oauth.registration import Registration, public_pem, ready_consumer
from ibkr_sim.webapi.settings import Unsettled

LST = "/v1/api/oauth/live_session_token"


@pytest.fixture(scope="session")
def registration() -> Registration:
    return ready_consumer("TESTCONS")


def private(pem: str) -> rsa.RSAPrivateKey:
    key = load_pem_private_key(pem.encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def encoded(text: str) -> str:
    return quote(text, safe="-._~")


class Client:
    """Signs as the specification says. Every part can be bent by a test."""

    def __init__(self, house: Any, registration: Registration) -> None:
        self.house, self.registration = house, registration
        self.root = house.door.url.removesuffix("/v1/api")
        self.token = ""
        self.secret = b""
        if registration.access_token_secret:
            self.learn(registration.access_token, registration.access_token_secret)

    def learn(self, token: str, encrypted: str) -> None:
        key = private(self.registration.encryption_key)
        self.access, self.secret = token, key.decrypt(base64.b64decode(encrypted), padding.PKCS1v15())

    def parameters(self, method: str, **more: str) -> dict[str, str]:
        return {
            "oauth_consumer_key": self.registration.consumer.key,
            "oauth_nonce": secrets.token_hex(8),
            "oauth_signature_method": method,
            "oauth_timestamp": str(int(time.time())),
            **more,
        }

    def header(self, signature: str, parameters: dict[str, str], realm: str = "limited_poa") -> dict[str, str]:
        pairs = {"realm": realm, **parameters, "oauth_signature": encoded(signature)}
        return {"Authorization": "OAuth " + ", ".join(f'{name}="{value}"' for name, value in sorted(pairs.items()))}

    def base(self, method: str, url: str, parameters: dict[str, str]) -> str:
        joined = "&".join(f"{name}={parameters[name]}" for name in sorted(parameters))
        return f"{method}&{encoded(url)}&{encoded(joined)}"

    def rsa_header(self, path: str, prepend: str = "", **more: str) -> dict[str, str]:
        parameters = self.parameters("RSA-SHA256", **more)
        text = prepend + self.base("POST", self.root + path, parameters)
        key = private(self.registration.signature_key)
        signature = base64.b64encode(key.sign(text.encode(), padding.PKCS1v15(), SHA256())).decode()
        return self.header(signature, parameters)

    async def handshake(self) -> dict[str, Any]:
        prime, exponent = self.registration.consumer.prime, secrets.randbits(256)
        challenge = f"{pow(2, exponent, prime):x}"
        headers = self.rsa_header(LST, self.secret.hex(), diffie_hellman_challenge=challenge, oauth_token=self.access)
        answer: dict[str, Any] = await self.house.post(LST, headers=headers)
        agreed = pow(int(answer["diffie_hellman_response"], 16), exponent, prime)
        text = f"{agreed:x}"
        key = bytes.fromhex(text.zfill(len(text) + len(text) % 2))
        if key[0] >= 0x80:
            key = b"\0" + key
        token = hmac.new(key, self.secret, hashlib.sha1).digest()
        proof = hmac.new(token, self.registration.consumer.key.encode(), hashlib.sha1).hexdigest()
        assert answer["live_session_token_signature"] == proof
        self.token = base64.b64encode(token).decode()
        return answer

    def signed(self, method: str, path: str, *, realm: str = "limited_poa", **more: str) -> dict[str, str]:
        parameters = self.parameters("HMAC-SHA256", oauth_token=self.access) | more
        digest = hmac.new(
            base64.b64decode(self.token), self.base(method, self.root + path, parameters).encode(), hashlib.sha256
        )
        return self.header(base64.b64encode(digest.digest()).decode(), parameters, realm)

    async def call(self, method: str, path: str, **more: str) -> tuple[int, Any]:
        status, body = await self.house.call(method, path, headers=self.signed(method, path, **more))
        return status, body


@pytest.fixture
async def open_client(open_house: Callable[..., Any], registration: Registration) -> Callable[..., Any]:
    async def open_one(**settings: Any) -> Client:
        consumers = settings.pop("consumers", (registration.consumer,))
        return Client(await open_house(auto_login=False, consumers=consumers, **settings), registration)

    return open_one


@pytest.fixture
async def client(open_client: Callable[..., Any]) -> Client:
    opened: Client = await open_client()
    await opened.handshake()
    return opened


def refusal(body: Any) -> str:
    assert body["statusCode"] == 401
    return str(body["error"]).partition("error: ")[2]


def test_an_agreed_number_is_written_as_java_writes_it() -> None:
    assert [signed_bytes(number).hex() for number in (1, 127, 128, 255, 256, 0x8000)] == [
        "01", "7f", "0080", "00ff", "0100", "008000",
    ]  # fmt: skip


def test_the_agreement_fits_a_vector_whose_number_needs_the_zero_byte() -> None:
    prime = 2**255 - 19
    challenge = 0x245AB4E845A4EE8C5C0F5222F64C6B6495259269C462B91E0159219FB2FC468E
    secret = bytes.fromhex("00112233445566778899aabbccddeeff")
    agreement = agree(challenge, 0xFEDCBA0987654321FEDCBA098765476D, prime, secret, "TESTCONS")
    assert agreement.response == "5e309788d91676bc4885743c62698c158bfa27e320ea0e3f3048d57b982d1c50"
    assert agreement.token == "5WZwTqLIogesn620L2+i3smz0mY="
    assert agreement.signature == "9c386daef7afe75dc3806f223bffb1367e1d8471"
    agreed = 0xC8B488BB0ABFB733CA6971AD3CD21FEE3BF62DC68F63DC2A382E0037E7A3DC
    assert live_session_token(agreed, secret) == agreement.token


def test_a_public_value_that_gives_the_secret_away_is_not_taken() -> None:
    assert [is_acceptable(value, 23) for value in (0, 1, 2, 21, 22, 23)] == [False, False, True, True, False, False]


def test_the_base_string_is_that_of_the_specification() -> None:
    parameters = {"oauth_token": "ab", "realm": "limited_poa", "oauth_nonce": "n1", "oauth_signature": "xx"}
    assert base_string("post", "https://api.ibkr.com/v1/api/x?q=a b", parameters) == (
        "POST&https%3A%2F%2Fapi.ibkr.com%2Fv1%2Fapi%2Fx%3Fq%3Da%20b&oauth_nonce%3Dn1%26oauth_token%3Dab"
    )


@pytest.mark.parametrize("header", ["Basic abc", 'OAuth a="1", a="2"', "OAuth a=1", 'OAuth a="1" b="2"', "OAuth "])
def test_a_header_that_cannot_be_read_is_malformed(header: str) -> None:
    with pytest.raises(Malformed):
        parse_authorization(header)


async def test_every_handshake_of_many_agrees(open_client: Callable[..., Any]) -> None:
    client = await open_client()
    for _time in range(12):
        answer = await client.handshake()
        assert answer["live_session_token_expiration"] > time.time() * 1000
    assert (await client.call("POST", "/v1/api/tickle"))[0] == 200


async def test_a_signed_session_needs_its_own_bridge(client: Client) -> None:
    status, tickle = await client.call("POST", "/v1/api/tickle")
    assert (status, set(tickle)) == (200, {"session", "hmds", "iserver"})
    assert (await client.call("GET", "/v1/api/iserver/account/orders"))[0] == 400
    path = "/v1/api/iserver/auth/ssodh/init"
    body = {"publish": True, "compete": True}
    status, answer = await client.house.call("POST", path, headers=client.signed("POST", path), json=body)
    assert (status, answer["authenticated"]) == (200, True)
    assert (await client.call("GET", "/v1/api/iserver/accounts"))[0] == 200
    assert (await client.call("GET", "/v1/api/iserver/account/orders"))[0] == 200


async def test_the_query_may_be_part_of_the_signed_address_or_not(client: Client) -> None:
    path, query = "/v1/api/trsrv/stocks", "?symbols=AAPL"
    assert (await client.call("GET", path + query))[0] == 200
    bare = client.signed("GET", path)
    assert (await client.house.call("GET", path + query, headers=bare))[0] == 200
    bent = client.signed("GET", path + "?symbols=MSFT")
    status, body = await client.house.call("GET", path + query, headers=bent)
    assert (status, refusal(body)) == (401, "invalid signature")


async def test_an_address_at_ibkr_may_be_signed_as_well(client: Client) -> None:
    client.root = "https://api.ibkr.com"
    assert (await client.call("GET", "/v1/api/portfolio/accounts"))[0] == 200


async def test_a_request_is_taken_once(client: Client) -> None:
    path = "/v1/api/tickle"
    headers = client.signed("POST", path)
    assert (await client.house.call("POST", path, headers=headers))[0] == 200
    status, body = await client.house.call("POST", path, headers=headers)
    assert (status, refusal(body)) == (401, "invalid nonce: used before")


@pytest.mark.parametrize("offset", [-400, 400])
async def test_a_stamp_far_from_the_clock_is_refused(client: Client, offset: int) -> None:
    status, body = await client.call("POST", "/v1/api/tickle", oauth_timestamp=str(int(time.time()) + offset))
    assert (status, refusal(body)) == (401, "invalid timestamp: too far from the server's clock")


async def test_a_stamp_older_than_one_used_before_is_refused(open_client: Callable[..., Any]) -> None:
    client = await open_client(unsettled=Unsettled(timestamp_slack=0))
    await client.handshake()
    now = int(time.time())
    assert (await client.call("POST", "/v1/api/tickle", oauth_timestamp=str(now + 20)))[0] == 200
    status, body = await client.call("POST", "/v1/api/tickle", oauth_timestamp=str(now + 19))
    assert (status, refusal(body)) == (401, "invalid timestamp: older than one used before")
    assert (await client.call("POST", "/v1/api/tickle", oauth_timestamp=str(now + 20)))[0] == 200


@pytest.mark.parametrize(
    ("bent", "reason"),
    [
        ({"oauth_consumer_key": "NOBODY"}, "invalid consumer"),
        ({"oauth_token": "0123456789"}, "invalid token"),
        ({"realm": "test_realm"}, "invalid realm"),
        ({"oauth_signature_method": "HMAC-SHA1"}, "invalid signature method"),
        ({"oauth_timestamp": "soon"}, "invalid timestamp"),
        ({"oauth_nonce": ""}, "invalid nonce"),
    ],
)
async def test_what_does_not_fit_is_refused_with_its_reason(client: Client, bent: Any, reason: str) -> None:
    status, body = await client.call("POST", "/v1/api/tickle", **bent)
    assert (status, refusal(body)) == (401, reason)


async def test_a_signature_is_good_for_its_method_and_path_alone(client: Client) -> None:
    headers = client.signed("GET", "/v1/api/tickle")
    status, body = await client.house.call("POST", "/v1/api/tickle", headers=headers)
    assert (status, refusal(body)) == (401, "invalid signature")
    client.token = base64.b64encode(secrets.token_bytes(20)).decode()
    status, body = await client.call("POST", "/v1/api/tickle")
    assert (status, refusal(body)) == (401, "invalid signature")


async def test_a_handshake_without_the_decrypted_secret_fails(open_client: Callable[..., Any]) -> None:
    client = await open_client()
    headers = client.rsa_header(LST, "00" * 32, diffie_hellman_challenge="abc123", oauth_token=client.access)
    status, body = await client.house.call("POST", LST, headers=headers)
    assert (status, refusal(body)) == (401, "invalid signature")


@pytest.mark.parametrize("challenge", ["1", "0", "zz", ""])
async def test_a_handshake_with_a_senseless_challenge_fails(open_client: Callable[..., Any], challenge: str) -> None:
    client = await open_client()
    headers = client.rsa_header(LST, client.secret.hex(), diffie_hellman_challenge=challenge, oauth_token=client.access)
    status, body = await client.house.call("POST", LST, headers=headers)
    assert (status, refusal(body)) == (401, "invalid diffie_hellman_challenge")


async def test_a_new_key_is_no_consumer_before_its_time(open_house: Callable[..., Any]) -> None:
    midnight = datetime(2026, 3, 3, 5, 0, tzinfo=UTC)
    fresh = ready_consumer("NEWCOMERS", active_from=midnight, token_until=midnight + timedelta(hours=10))
    house = await open_house(auto_login=False, consumers=(fresh.consumer,))
    client = Client(house, fresh)
    headers = client.rsa_header(LST, client.secret.hex(), diffie_hellman_challenge="abc1", oauth_token=client.access)
    status, body = await house.call("POST", LST, headers=headers)
    assert (status, refusal(body)) == (401, "invalid consumer")
    house.advance(hours=14)
    await client.handshake()
    house.advance(hours=10)
    status, body = await client.call("POST", "/v1/api/tickle")
    assert (status, refusal(body)) == (401, "token expired")


async def test_a_live_session_token_lasts_a_day_and_survives_midnight(client: Client) -> None:
    client.house.advance(hours=23.9)
    assert (await client.call("POST", "/v1/api/tickle"))[0] == 200
    client.house.advance(hours=0.2)
    assert (await client.call("POST", "/v1/api/tickle"))[0] == 401


async def test_signed_requests_without_a_user_agent_meet_the_front(client: Client) -> None:
    headers = client.signed("POST", "/v1/api/tickle") | {"User-Agent": ""}
    status, page = await client.house.call("POST", "/v1/api/tickle", headers=headers)
    assert status == 403
    assert "Access Denied" in page


async def test_a_first_party_may_not_ask_for_tokens(open_client: Callable[..., Any]) -> None:
    client = await open_client()
    path = "/v1/api/oauth/request_token"
    status, _body = await client.house.call("POST", path, headers=client.rsa_header(path, oauth_callback="oob"))
    assert status == 401


async def test_a_third_party_goes_the_whole_way(open_house: Callable[..., Any]) -> None:
    vendor = ready_consumer("VENDOR001", third_party=True)
    house = await open_house(auto_login=False, consumers=(vendor.consumer,))
    client = Client(house, vendor)
    path = "/v1/api/oauth/request_token"
    waiting = (await house.post(path, headers=client.rsa_header(path, oauth_callback="oob")))["oauth_token"]
    status, page = await house.call("GET", f"/authorize?oauth_token={waiting}")
    assert status == 200
    assert "SIMULATOR" in page
    exchange = "/v1/api/oauth/access_token"
    early = client.rsa_header(exchange, oauth_token=waiting, oauth_verifier="x")
    assert (await house.call("POST", exchange, headers=early))[0] == 401
    page = await house.post("/authorize", data={"oauth_token": waiting})
    verifier = page.partition("<code>")[2].partition("</code>")[0]
    granted = await house.post(
        exchange, headers=client.rsa_header(exchange, oauth_token=waiting, oauth_verifier=verifier)
    )
    assert granted["is_paper"] is True
    client.learn(granted["oauth_token"], granted["oauth_token_secret"])
    await client.handshake()
    assert (await client.call("GET", "/v1/api/portfolio/accounts"))[0] == 200


def assertion(key: rsa.RSAPrivateKey, claims: dict[str, Any]) -> str:
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
        for part in ({"alg": "RS256", "typ": "JWT", "kid": "main"}, claims)
    ]
    signature = key.sign(".".join(parts).encode(), padding.PKCS1v15(), SHA256())
    return ".".join((*parts, base64.urlsafe_b64encode(signature).rstrip(b"=").decode()))


async def test_oauth_2_trades_assertions_for_a_token_and_a_session(open_house: Callable[..., Any]) -> None:
    key, now = rsa.generate_private_key(65537, 2048), int(time.time())
    house = await open_house(auto_login=False, oauth2_clients=(Oauth2Client("firm", "main", public_pem(key)),))
    claims = {"iss": "firm", "sub": "firm", "aud": "/token", "exp": now + 20, "iat": now - 10}
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": assertion(key, claims),
        "scope": "sso-sessions.write",
    }
    token = await house.post("/oauth2/api/v1/token", data=form)
    assert (token["token_type"], token["expires_in"]) == ("Bearer", 86399)
    stranger = rsa.generate_private_key(65537, 2048)
    bad = form | {"client_assertion": assertion(stranger, claims)}
    assert (await house.call("POST", "/oauth2/api/v1/token", data=bad))[0] == 401
    wanted = {"ip": "127.0.0.1", "credential": "simulator", "iss": "firm", "exp": now + 86400, "iat": now}
    headers = {"Authorization": f"Bearer {token['access_token']}", "Content-Type": "application/jwt"}
    session = await house.post("/gw/api/v1/sso-sessions", data=assertion(key, wanted), headers=headers)
    assert session["active"] is True
    bearer = {"Authorization": f"Bearer {session['access_token']}"}
    assert (await house.get("/sso/validate", headers=bearer))["RESULT"] is True
    init = {"publish": True, "compete": True}
    assert (await house.post("/iserver/auth/ssodh/init", init, headers=bearer))["authenticated"] is True
    assert (await house.call("GET", "/portfolio/accounts"))[0] == 401
