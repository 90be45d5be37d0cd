"""The way to the Web API, made from the settings."""

from __future__ import annotations

from ibkr_bridge.config.settings import Settings
from ibkr_bridge.config.webapi import WebApiSettings as Section
from ibkr_bridge.ports.clock import Clock
from ibkr_bridge.ports.upstream import Admission, Upstream
from ibkr_bridge.upstream.webapi.adapter import WebApiUpstream
from ibkr_bridge.upstream.webapi.limits import Limits
from ibkr_bridge.upstream.webapi.oauth.keys import Credentials, load
from ibkr_bridge.upstream.webapi.settings import WebApiSettings

_OAUTH_LIMITS = Limits(per_second=40)
"""IBKR allows 50 requests a second with OAuth, and 10 through the gateway (Web API, "Pacing Limitations")."""


def webapi(settings: Settings, clock: Clock, admit: Admission) -> Upstream:
    """Raises ValueError where the settings or the key files make no sense."""
    section = settings.webapi
    credentials = _credentials(section)
    return WebApiUpstream(
        WebApiSettings(
            url=section.url,
            credentials=credentials,
            account=settings.tws.account,
            compete=section.compete,
            verify_tls=section.tls_verify,
            fingerprint_file=section.certificate_file,
            limits=_OAUTH_LIMITS if credentials else Limits(),
            connect_timeout=settings.tws.connect_timeout,
            request_timeout=max(settings.tws.request_timeout, 15.0),
            tickle_interval=section.tickle_interval,
            log_out=section.shutdown_oauth,
        ),
        clock,
        admit,
    )


def _credentials(section: Section) -> Credentials | None:
    if not section.use_oauth:
        return None
    assert section.signature_key_file is not None
    assert section.encryption_key_file is not None
    assert section.dh_prime_file is not None
    assert section.access_token_secret is not None
    return load(
        consumer_key=section.consumer_key,
        access_token=section.access_token,
        access_token_secret=section.access_token_secret.get_secret_value(),
        signature_key_file=section.signature_key_file,
        encryption_key_file=section.encryption_key_file,
        dh_prime_file=section.dh_prime_file,
        realm=section.realm,
    )
