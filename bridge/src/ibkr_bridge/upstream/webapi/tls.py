"""Who is at the far end: proven by a certificate, or known by the fingerprint learnt on first use on this machine.

IBKR's gateway program shows a certificate that it signed itself, that expired in 2019 and that names no host.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ssl
from urllib.parse import urlsplit

import aiohttp
import structlog

from ibkr_bridge.upstream.webapi.errors import CertificateChanged, NotVerified, Unavailable, Unreachable
from ibkr_bridge.upstream.webapi.settings import WebApiSettings

log = structlog.get_logger()


class Trust:
    """Remembers the fingerprint for as long as this process lives, and in a file where there is one."""

    def __init__(self, settings: WebApiSettings) -> None:
        self._settings = settings
        self._known: bytes | None = None
        self._warned = False

    async def context(self) -> aiohttp.Fingerprint | bool:
        """How every connection is to be checked.

        Raises Unreachable, Unavailable, NotVerified, CertificateChanged.
        """
        settings = self._settings
        if not settings.url.startswith("https") or not settings.loopback:
            return True
        if not settings.verify_tls:
            if not self._warned:
                self._warned = True
                log.warning("the gateway's certificate is not checked", gateway=settings.where)
            return False
        shown = await self._shown(_unchecked())
        known = self._known or await asyncio.to_thread(self._read)
        if known is None and await self._verifies():
            return True
        if known is None:
            known = await self._learn(shown)
        self._known = known
        if not hmac.compare_digest(hashlib.sha256(shown).digest(), known):
            raise CertificateChanged(
                f"The gateway at {settings.where} shows another certificate (SHA-256"
                f" {hashlib.sha256(shown).hexdigest()}) than the one it was known by ({known.hex()}). If you have"
                f" replaced the gateway, delete {settings.fingerprint_file or 'nothing, but restart the service'}."
            )
        return aiohttp.Fingerprint(known)

    async def _verifies(self) -> bool:
        try:
            await self._shown(await asyncio.to_thread(ssl.create_default_context))
        except NotVerified:
            return False
        return True

    async def _learn(self, shown: bytes) -> bytes:
        fingerprint = hashlib.sha256(shown).digest()
        kept_in = await asyncio.to_thread(self._write, fingerprint)
        log.warning(
            "the gateway's certificate proves nothing; from now on only this one is accepted",
            gateway=self._settings.where,
            sha256=fingerprint.hex(),
            kept_in=kept_in,
        )
        return fingerprint

    async def _shown(self, context: ssl.SSLContext) -> bytes:
        """The certificate, in DER form."""
        parts = urlsplit(self._settings.url)
        host, port = parts.hostname or "", parts.port or 443
        try:
            async with asyncio.timeout(self._settings.connect_timeout):
                _reader, writer = await asyncio.open_connection(host, port, ssl=context)
        except TimeoutError:
            raise Unavailable(f"{self._settings.where} accepts connections and says nothing.") from None
        except ssl.SSLCertVerificationError as problem:
            raise NotVerified(f"{self._settings.where}: {problem.verify_message}") from problem
        except (ssl.SSLError, OSError) as problem:
            raise Unreachable(f"Nothing answers with TLS at {self._settings.where}: {problem}") from problem
        transport = writer.get_extra_info("ssl_object")
        certificate: bytes | None = transport.getpeercert(binary_form=True)
        writer.transport.abort()
        return certificate or b""

    def _read(self) -> bytes | None:
        file = self._settings.fingerprint_file
        if file is None or not file.exists():
            return None
        try:
            lines = file.read_text().splitlines()
        except OSError as problem:
            raise NotVerified(f"{file} cannot be read, and the gateway's certificate is in it: {problem}") from problem
        for line in lines:
            where, _space, digits = line.partition(" ")
            if where == self._settings.where:
                try:
                    return bytes.fromhex(digits)
                except ValueError as problem:
                    raise NotVerified(f"{file} is damaged: {line!r} holds no fingerprint") from problem
        return None

    def _write(self, fingerprint: bytes) -> str:
        """Where it was written to."""
        file = self._settings.fingerprint_file
        if file is None:
            return "memory"
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("a") as kept:
                kept.write(f"{self._settings.where} {fingerprint.hex()}\n")
        except OSError as problem:
            return f"memory, because the file cannot be written: {problem}"
        return str(file)


def _unchecked() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
