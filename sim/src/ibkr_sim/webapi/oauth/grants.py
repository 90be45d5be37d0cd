"""OAuth 2.0: assertions signed by a client, the tokens they are worth, and the sessions those open."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from ibkr_sim.webapi.consumers import Oauth2Client
from ibkr_sim.webapi.oauth.signatures import verify_rsa_bytes

LIFETIME: Final = 86_399
"""Seconds that a token is good for."""
SCOPE: Final = "sso-sessions.write"
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_AUDIENCES: Final = ("/token", "/oauth2/api/v1/token")


class InvalidGrant(Exception):
    """What a client has sent proves nothing; `code` is that of RFC 6749 section 5.2."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class Grants:
    """`wall` is real time in seconds, `token` gives a new secret name."""

    def __init__(
        self, clients: Iterable[Oauth2Client], wall: Callable[[], float], token: Callable[[], str], username: str
    ) -> None:
        self._clients = {client.client_id: client for client in clients}
        self._wall, self._token, self._username = wall, token, username
        self._tokens: dict[str, tuple[Oauth2Client, float]] = {}

    def token(self, form: Mapping[str, str]) -> Mapping[str, Any]:
        """The answer to a request for a token. Raises InvalidGrant."""
        if form.get("grant_type") != "client_credentials":
            raise InvalidGrant("unsupported_grant_type", "grant_type must be client_credentials")
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise InvalidGrant("invalid_request", "client_assertion_type must be jwt-bearer")
        client, claims = self._verified(form.get("client_assertion", ""))
        if claims.get("sub") != client.client_id or not str(claims.get("aud", "")).endswith(_AUDIENCES):
            raise InvalidGrant("invalid_client", "sub and aud must name the client and the token endpoint")
        access = self._token()
        self._tokens[access] = client, self._wall() + LIFETIME
        scope = form.get("scope", SCOPE)
        return {"access_token": access, "token_type": "Bearer", "scope": scope, "expires_in": LIFETIME}

    def session(self, bearer: str, assertion: str) -> str:
        """The name of a new session: its bearer. Raises InvalidGrant."""
        client, until = self._tokens.get(bearer, (None, 0.0))
        if client is None or until < self._wall():
            raise InvalidGrant("invalid_token", "the access token is unknown or expired")
        signer, claims = self._verified(assertion)
        if signer is not client:
            raise InvalidGrant("invalid_client", "the assertion is another client's")
        credential = claims.get("credential")
        if credential != (client.credential or self._username):
            raise InvalidGrant("invalid_request", "the credential is not one of the client's users")
        if not claims.get("ip"):
            raise InvalidGrant("invalid_request", "ip is missing")
        return self._token()

    def _verified(self, assertion: str) -> tuple[Oauth2Client, Mapping[str, Any]]:
        """The client that has signed, and its claims (RFC 7515, RFC 7523). Raises InvalidGrant."""
        try:
            head, body, signature = assertion.split(".")
            header, claims = (json.loads(_decoded(part)) for part in (head, body))
            client = self._clients[claims["iss"]]
            signed = verify_rsa_bytes(client.public_key, f"{head}.{body}".encode(), _decoded(signature))
            known = header.get("alg") == "RS256" and header.get("kid") == client.key_id
            fresh = float(claims["exp"]) > self._wall()
        except (ValueError, KeyError, TypeError, AttributeError, binascii.Error) as error:
            raise InvalidGrant("invalid_client", "the assertion cannot be read") from error
        if not (signed and known and fresh):
            raise InvalidGrant("invalid_client", "the assertion is not signed by a known key, or has expired")
        return client, claims


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
