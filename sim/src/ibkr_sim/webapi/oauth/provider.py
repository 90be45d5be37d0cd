"""OAuth 1.0a as IBKR has extended it: hands out tokens and verifies who signs (IBKR, "OAuth 1.0a Extended")."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from ibkr_sim.webapi.consumers import Consumer
from ibkr_sim.webapi.oauth.diffie_hellman import Agreement, agree, is_acceptable
from ibkr_sim.webapi.oauth.encoding import Malformed, base_string, parse_authorization, signature_of
from ibkr_sim.webapi.oauth.nonces import Nonces
from ibkr_sim.webapi.oauth.signatures import encrypt, verify_hmac, verify_rsa

RSA: Final = "RSA-SHA256"
HMAC: Final = "HMAC-SHA256"
_SECRET_BYTES: Final = 32


class Denied(Exception):
    """A signed request that is not believed, with the reason in IBKR's words where they are known."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A request with an OAuth header. `urls` are the addresses under which it may have been signed."""

    method: str
    urls: tuple[str, ...]
    header: str


@dataclass(frozen=True, slots=True)
class AccessToken:
    consumer: Consumer
    token: str
    secret: bytes


@dataclass(slots=True)
class RequestToken:
    """A third party's; `verifier` is empty until a user has agreed."""

    consumer: Consumer
    callback: str
    verifier: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """What the provider keeps."""

    requests: dict[str, RequestToken] = field(default_factory=dict)
    access: dict[str, AccessToken] = field(default_factory=dict)
    live: dict[str, str] = field(default_factory=dict)
    """Live session tokens by access token."""


class Provider:
    """`now` is the simulated clock, `wall` the real one, by which clients stamp; `random` gives secret bytes."""

    def __init__(
        self,
        consumers: Iterable[Consumer],
        nonces: Nonces,
        now: Callable[[], datetime],
        random: Callable[[int], bytes],
    ) -> None:
        self._consumers = {consumer.key: consumer for consumer in consumers}
        self._nonces, self._now, self._random = nonces, now, random
        self._kept = Kept()
        self._refusals = 0
        for consumer in self._consumers.values():
            if consumer.access_token:
                token = AccessToken(consumer, consumer.access_token, consumer.access_token_secret)
                self._kept.access[token.token] = token

    def request_token(self, signed: Signed) -> str:
        """A token that a user has yet to agree to. Raises Denied."""
        parameters = self._read(signed, RSA)
        consumer = self._third_party(parameters)
        self._verify_rsa(consumer, "", signed, parameters)
        token = self._random(10).hex()
        self._kept.requests[token] = RequestToken(consumer, parameters.get("oauth_callback", "oob"))
        return token

    def authorize(self, token: str) -> tuple[str, str] | None:
        """A user agrees: the callback and the verifier; None for a token that is not waiting."""
        waiting = self._kept.requests.get(token)
        if waiting is None:
            return None
        waiting.verifier = waiting.verifier or self._random(10).hex()
        return waiting.callback, waiting.verifier

    def access_token(self, signed: Signed) -> tuple[str, str]:
        """An access token, and its secret encrypted to the consumer. Raises Denied."""
        parameters = self._read(signed, RSA)
        consumer = self._third_party(parameters)
        self._verify_rsa(consumer, "", signed, parameters)
        waiting = self._kept.requests.get(parameters.get("oauth_token", ""))
        if waiting is None or waiting.consumer is not consumer or not waiting.verifier:
            raise self._denied("invalid token")
        if waiting.verifier != parameters.get("oauth_verifier"):
            raise self._denied("invalid verifier")
        del self._kept.requests[parameters["oauth_token"]]
        secret = self._random(_SECRET_BYTES)
        token = next((row.token for row in self._kept.access.values() if row.consumer is consumer), "")
        token = token or self._random(10).hex()
        self._kept.access[token] = AccessToken(consumer, token, secret)
        return token, encrypt(consumer.encryption_key, secret)

    def live_session_token(self, signed: Signed) -> tuple[str, Agreement]:
        """The access token it is for, and the agreement. Raises Denied."""
        parameters = self._read(signed, RSA)
        access = self._access(parameters)
        self._verify_rsa(access.consumer, access.secret.hex(), signed, parameters)
        try:
            challenge = int(parameters.get("diffie_hellman_challenge", ""), 16)
        except ValueError:
            raise self._denied("invalid diffie_hellman_challenge") from None
        prime = access.consumer.prime
        if not is_acceptable(challenge, prime):
            raise self._denied("invalid diffie_hellman_challenge")
        private = int.from_bytes(self._random(_SECRET_BYTES), "big") | 1 << 255
        agreement = agree(challenge, private, prime, access.secret, access.consumer.key)
        self._kept.live[access.token] = agreement.token
        return access.token, agreement

    def verify(self, signed: Signed) -> str:
        """The access token by which a request is signed. Raises Denied."""
        parameters = self._read(signed, HMAC)
        access = self._access(parameters)
        live = self._kept.live.get(access.token)
        if live is None:
            raise self._denied("no live session token")
        self._check_freshness(access.consumer, parameters)
        signature = signature_of(parameters)
        texts = (base_string(signed.method, url, parameters) for url in signed.urls)
        if not any(verify_hmac(live, text, signature) for text in texts):
            raise self._denied("invalid signature")
        return access.token

    def is_live(self, token: str) -> bool:
        return token in self._kept.live

    def end(self, token: str) -> None:
        """Forget the live session token of an access token."""
        self._kept.live.pop(token, None)

    def _read(self, signed: Signed, method: str) -> Mapping[str, str]:
        try:
            parameters = parse_authorization(signed.header)
            signature_of(parameters)
        except Malformed as error:
            raise self._denied(str(error)) from error
        if parameters.get("oauth_signature_method") != method:
            raise self._denied("invalid signature method")
        return parameters

    def _consumer(self, parameters: Mapping[str, str]) -> Consumer:
        consumer = self._consumers.get(parameters.get("oauth_consumer_key", ""))
        if consumer is None or (consumer.active_from is not None and self._now() < consumer.active_from):
            raise self._denied("invalid consumer")
        if parameters.get("realm") != consumer.realm:
            raise self._denied("invalid realm")
        return consumer

    def _third_party(self, parameters: Mapping[str, str]) -> Consumer:
        consumer = self._consumer(parameters)
        if not consumer.third_party:
            raise self._denied("first party consumers get their token in the portal")
        return consumer

    def _access(self, parameters: Mapping[str, str]) -> AccessToken:
        consumer = self._consumer(parameters)
        access = self._kept.access.get(parameters.get("oauth_token", ""))
        if access is None or access.consumer is not consumer:
            raise self._denied("invalid token")
        if consumer.token_until is not None and self._now() >= consumer.token_until:
            self.end(access.token)
            raise self._denied("token expired")
        return access

    def _verify_rsa(self, consumer: Consumer, prepend: str, signed: Signed, parameters: Mapping[str, str]) -> None:
        self._check_freshness(consumer, parameters)
        signature = signature_of(parameters)
        texts = (prepend + base_string(signed.method, url, parameters) for url in signed.urls)
        if not any(verify_rsa(consumer.signature_key, text, signature) for text in texts):
            raise self._denied("invalid signature")

    def _check_freshness(self, consumer: Consumer, parameters: Mapping[str, str]) -> None:
        stamp, nonce = parameters.get("oauth_timestamp", ""), parameters.get("oauth_nonce", "")
        complaint = self._nonces.complaint(consumer.key, stamp, nonce)
        if complaint:
            raise self._denied(complaint)

    def _denied(self, reason: str) -> Denied:
        self._refusals += 1
        return Denied(f"id: {self._refusals}, error: {reason}")
