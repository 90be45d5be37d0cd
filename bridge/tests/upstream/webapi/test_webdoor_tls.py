"""Who the gateway is: its certificate proves nothing, so the first one seen on this machine is the only one taken."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

Rig = Any
Opening = Callable[..., Any]


async def test_the_gateways_certificate_is_learnt_on_first_use_and_kept(rigs: Opening, tmp_path: Path) -> None:
    file = tmp_path / "state" / "fingerprints"
    rig = await (await rigs(door_tls=True, fingerprint_file=file)).ready()
    assert rig.door.url.startswith("https://")
    where, _space, digits = file.read_text().strip().partition(" ")
    assert where == f"127.0.0.1:{rig.door.port}"
    assert len(bytes.fromhex(digits)) == 32
    await _renewed(rig)
    assert file.read_text().count("\n") == 1


async def test_another_certificate_than_the_known_one_is_refused(rigs: Opening, tmp_path: Path) -> None:
    file = tmp_path / "fingerprints"
    rig = await rigs(run=False, door_tls=True, fingerprint_file=file)
    file.write_text(f"127.0.0.1:{rig.door.port} {'ab' * 32}\n")
    rig.run()
    reason = await rig.code("session.certificate_changed")
    assert str(file) in reason
    assert not rig.admitted


async def test_without_a_file_the_fingerprint_is_remembered_for_this_process(rigs: Opening) -> None:
    rig = await (await rigs(door_tls=True)).ready()
    await _renewed(rig)


async def test_a_check_that_is_switched_off_is_logged(rigs: Opening) -> None:
    with structlog.testing.capture_logs() as logged:
        await (await rigs(door_tls=True, verify_tls=False)).ready()
    assert any("not checked" in line["event"] and line["log_level"] == "warning" for line in logged)


async def test_a_stream_over_tls_is_checked_alike(rigs: Opening, make: Any) -> None:
    rig = await (await rigs(door_tls=True)).ready()
    assert rig.admitted[0][1][0] == "127.0.0.1"
    assert (await rig.place(make.order())).order_id > 0


@pytest.fixture
async def old_gateway(tmp_path: Path) -> AsyncIterator[int]:
    """Its port. Its certificate is like IBKR's, of 2019 and for no host, and nobody is logged in."""
    (tmp_path / "gateway.pem").write_bytes(_expired_and_nameless())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(tmp_path / "gateway.pem")

    async def refuse(_request: web.Request) -> web.Response:
        return web.Response(status=401, text="Access Denied")

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", refuse)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


async def test_a_certificate_that_has_expired_and_names_no_host_is_pinned_too(rigs: Opening, old_gateway: int) -> None:
    rig = await rigs(url=f"https://127.0.0.1:{old_gateway}/v1/api")
    assert f"https://127.0.0.1:{old_gateway}" in await rig.code("session.login_needed")


def _expired_and_nameless() -> bytes:
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Client Portal Web API")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2018, 5, 11, tzinfo=UTC))
        .not_valid_after(datetime(2019, 5, 11, tzinfo=UTC))
        .sign(key, SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private + certificate.public_bytes(Encoding.PEM)


async def _renewed(rig: Rig) -> None:
    opened = rig.upstream.session.opened_at
    rig.upstream.renew("to see that it is known again")
    await rig.until(lambda: rig.upstream.session.ready and rig.upstream.session.opened_at > opened)
