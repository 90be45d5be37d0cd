"""The API key."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import aiohttp
import pytest

from ibkr_bridge.config.settings import ApiSettings

if TYPE_CHECKING:
    from bridge.tests.api.conftest import Calling

KEY = "correct horse battery staple"


async def test_every_route_but_livez_needs_the_key(calling: Calling, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with calling(required_api_key=KEY, api_key_header="X-Door") as caller:
        assert (await caller.get("/livez"))[0] == 200
        for path in ("/", "/health", "/orders", "/docs", "/openapi.json", "/nowhere"):
            status, problem = await caller.get(path)
            assert (status, problem["code"]) == (401, "key.missing"), path
            status, problem = await caller.get(path, headers={"X-Door": "wrong"})
            assert (status, problem["code"]) == (401, "key.wrong"), path
        assert (await caller.get("/health", headers={"X-Door": KEY}))[0] == 200
        assert (await caller.get("/health", headers={"X-API-Key": KEY}))[0] == 401
    assert KEY not in caplog.text


async def test_websockets_need_it_too(calling: Calling) -> None:
    async with calling(required_api_key=KEY) as caller:
        for path in ("/ws/ib", "/ws/stream"):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                async with caller.socket(path):
                    pass
            assert refused.value.status == 401
        async with caller.socket("/ws/ib", headers={"X-API-Key": KEY}) as socket:
            assert (await caller.hear(socket))["event"] == "connectionChanged"


def test_the_key_shows_in_no_representation() -> None:
    settings = ApiSettings.model_validate({"required_api_key": KEY})
    assert KEY not in repr(settings) + str(settings) + str(settings.model_dump())
