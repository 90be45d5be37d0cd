"""The settings of the way to IBKR's Web API."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from ibkr_bridge.config.section import Seconds, Section, is_loopback, setting


def _address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise ValueError(f"{value!r} is not an address like https://127.0.0.1:5000/v1/api")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError("http is for this machine alone; write https")
    return value.rstrip("/")


class WebApiSettings(Section):
    """The Client Portal Web API: its local gateway, or OAuth 1.0a straight to IBKR."""

    url: Annotated[str, AfterValidator(_address)] = setting(
        "Its address: the local gateway's, or https://api.ibkr.com/v1/api with OAuth.",
        "IBKR_API_URL",
        "IBKR_SERVICE_API_URL",
        default="https://127.0.0.1:5000/v1/api",
    )
    use_oauth: bool = setting(
        "Sign every request with OAuth 1.0a instead of relying on a gateway's login.",
        "IBKR_SERVICE_USE_OAUTH",
        default=False,
    )
    consumer_key: str = setting("OAuth: the consumer key.", "IBKR_SERVICE_CONSUMER_KEY", default="")
    access_token: str = setting("OAuth: the access token.", "IBKR_SERVICE_ACCESS_TOKEN", default="")
    access_token_secret: SecretStr | None = setting(
        "OAuth: the access token's secret, as IBKR's portal shows it.",
        "IBKR_SERVICE_ACCESS_TOKEN_SECRET",
        default=None,
    )
    signature_key_file: Path | None = setting(
        "OAuth: the private signature key (`ibkr-bridge oauth setup` makes it).",
        "IBKR_SERVICE_SIGNATURE_KEY_FILE",
        default=None,
    )
    encryption_key_file: Path | None = setting(
        "OAuth: the private encryption key.", "IBKR_SERVICE_ENCRYPTION_KEY_FILE", default=None
    )
    dh_prime_file: Path | None = setting(
        "OAuth: the Diffie-Hellman parameters, dhparam.pem.", "IBKR_SERVICE_DH_PRIME_FILE", default=None
    )
    realm: str = setting(
        "OAuth: the realm; test_realm for IBKR's TESTCONS.", "IBKR_SERVICE_OAUTH_REALM", default="limited_poa"
    )
    init_oauth: bool = setting(
        "OAuth: make a live session token at the start. Without one there is no session, so it must be true.",
        "IBKR_SERVICE_INIT_OAUTH",
        default=True,
    )
    maintain_oauth: bool = setting(
        "Keep the session alive by a tickle. Without it IBKR ends it after some idle minutes, so it must be true.",
        "IBKR_SERVICE_MAINTAIN_OAUTH",
        default=True,
    )
    init_brokerage_session: bool = setting(
        "Open the brokerage session. Orders and quotes need it, so it must be true; there is one per user name.",
        "IBKR_SERVICE_INIT_BROKERAGE_SESSION",
        default=True,
    )
    shutdown_oauth: bool = setting("Log out when the service stops.", "IBKR_SERVICE_SHUTDOWN_OAUTH", default=False)
    compete: bool = setting(
        "Take the brokerage session over when TWS, a phone or another program holds it.",
        "IBKR_SERVICE_COMPETE",
        default=False,
    )
    tls_verify: bool = setting(
        "Check the far end's certificate; can be switched off for this machine alone, and the log then says so.",
        "IBKR_SERVICE_TLS_VERIFY",
        default=True,
    )
    certificate_file: Path = setting(
        "Where the local gateway's certificate is remembered, by its fingerprint, from the first connection on.",
        "IBKR_SERVICE_CERTIFICATE_FILE",
        default=Path(".data/gateway-certificate"),
    )
    tickle_interval: Annotated[Seconds, Field(ge=1)] = setting(
        "Seconds between tickles.", "IBKR_SERVICE_TICKLE_INTERVAL", default=60.0
    )
    regulatory_snapshots_per_day: Annotated[int, Field(ge=0)] = setting(
        "Calls of /md/regsnapshot let through in a day (UTC). IBKR charges for each, on paper too.",
        "IBKR_SERVICE_REGULATORY_SNAPSHOTS_PER_DAY",
        default=0,
    )

    @model_validator(mode="after")
    def _whole(self) -> WebApiSettings:
        if not self.tls_verify and not is_loopback(urlsplit(self.url).hostname or ""):
            raise ValueError("IBKR_SERVICE_TLS_VERIFY: can be false for this machine alone")
        for name, on in (
            ("IBKR_SERVICE_INIT_OAUTH", self.init_oauth),
            ("IBKR_SERVICE_MAINTAIN_OAUTH", self.maintain_oauth),
            ("IBKR_SERVICE_INIT_BROKERAGE_SESSION", self.init_brokerage_session),
        ):
            if not on:
                raise ValueError(f"{name}: must be true, because without it there is no session to trade on")
        if not self.use_oauth:
            return self
        needed = {
            "IBKR_SERVICE_CONSUMER_KEY": self.consumer_key,
            "IBKR_SERVICE_ACCESS_TOKEN": self.access_token,
            "IBKR_SERVICE_ACCESS_TOKEN_SECRET": self.access_token_secret,
            "IBKR_SERVICE_SIGNATURE_KEY_FILE": self.signature_key_file,
            "IBKR_SERVICE_ENCRYPTION_KEY_FILE": self.encryption_key_file,
            "IBKR_SERVICE_DH_PRIME_FILE": self.dh_prime_file,
        }
        if missing := [name for name, value in needed.items() if not value]:
            raise ValueError(f"{missing[0]}: must be set, because IBKR_SERVICE_USE_OAUTH is true")
        return self
