"""Programs that users of an earlier service wrote, run as they stand; only address, key and account are ours."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
PACKAGES = HERE.parent / "javascript/node_modules"
ORDER = {"conid": 265598, "side": "BUY", "quantity": 2, "orderType": "MKT", "tif": "DAY"}


@pytest.fixture(params=["tws", "webapi"])
async def home(build: Callable[..., Any], request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    async with build(door=request.param, first_word_timeout=10.0) as one:
        yield one


def program(name: str, home: Any) -> str:
    """The user's text with our address, key and account in it."""
    text = (HERE / f"{name}.txt").read_text(encoding="utf-8")
    for theirs in ("http://localhost:8000", "http://127.0.0.1:8000"):
        text = text.replace(theirs, home.service.url)
    return text.replace('"DU12345"', f'"{home.account}"')


async def said_by(*command: str, until: str | None = None, cwd: Path | None = None) -> str:
    """What a program prints to its end, or until it has said something; then it is stopped."""
    environment = {**os.environ, "NODE_PATH": str(PACKAGES)}
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, cwd=cwd, env=environment
    )
    assert process.stdout is not None
    said = ""
    try:
        async with asyncio.timeout(40):
            while line := (await process.stdout.readline()).decode():
                said += line
                if until is not None and until in said:
                    return said
            assert await process.wait() == 0, said
            return said
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def bought(home: Any) -> None:
    """Two shares, so that there is a position to show."""
    status, told = await home.call("POST", f"/iserver/account/{home.account}/orders", ORDER)
    while status == 200 and "message" in told[0]:
        status, told = await home.call("POST", f"/iserver/reply/{told[0]['id']}", {"confirmed": True})

    async def held() -> Any:
        return (await home.call("GET", f"/portfolio/{home.account}/positions"))[1]

    await home.until(held)


async def test_the_users_client_shows_health_accounts_and_positions(home: Any, tmp_path: Path) -> None:
    await bought(home)
    (tmp_path / "async_client.py").write_text(program("async_client.py", home), encoding="utf-8")
    said = await said_by(sys.executable, "async_client.py", cwd=tmp_path)
    assert "Service healthy: True" in said
    assert "Found 1 accounts" in said
    assert "Found 1 positions" in said
    assert "AAPL: 2" in said


async def test_the_users_trading_bot_watches_prices_and_finds_signals(home: Any, tmp_path: Path) -> None:
    for name in ("async_client.py", "trading_bot.py"):
        text = program(name, home)
        (tmp_path / name).write_text(text, encoding="utf-8")
    said = await said_by(sys.executable, "-u", "trading_bot.py", cwd=tmp_path, until="Signal: BUY conid")
    assert f"Bot initialized for account {home.account}" in said
    for symbol in ("AAPL", "GOOGL", "MSFT"):
        assert f"Added {symbol} (conid:" in said
    assert "Retrieved market data for 3 instruments" in said


async def test_the_users_load_test_is_carried(home: Any) -> None:
    said = await said_by(sys.executable, "-c", program("load_test.py", home))
    assert "Completed 1000 requests in" in said


CALLER = """
const IBKRApiClient = require('./client.js');
const client = new IBKRApiClient(process.argv[2]), account = process.argv[3];
(async () => {
    console.log('found', (await client.searchContracts('AAPL'))[0].conid);
    console.log('listed', (await client.getLiveOrders(null, account)).orders.length);
    const order = { conid: 265598, side: 'BUY', quantity: 1, orderType: 'LMT', price: 200.5, tif: 'DAY' };
    console.log('placed', JSON.stringify(await client.placeOrder(account, order)));
    await client.placeOrder(account, { ...order, quantity: 0 }).catch(error => console.log(error.message));
})();
"""


async def test_the_users_javascript_shows_prices_of_what_is_held(home: Any, tmp_path: Path) -> None:
    await bought(home)
    await home.call("GET", "/iserver/marketdata/snapshot?conids=265598&fields=31,84,86")
    (tmp_path / "client.js").write_text(program("client.js", home), encoding="utf-8")
    said = await said_by(*node("client.js"), cwd=tmp_path)
    assert "Service status: healthy" in said
    assert "Found 1 accounts" in said
    assert "Market data:" in said
    assert "'31':" in said


async def test_the_users_javascript_class_finds_lists_places_and_is_told_why_not(home: Any, tmp_path: Path) -> None:
    (tmp_path / "client.js").write_text(program("client.js", home), encoding="utf-8")
    (tmp_path / "caller.js").write_text(CALLER, encoding="utf-8")
    said = await said_by(*node("caller.js", home.service.url, home.account), cwd=tmp_path)
    assert "found 265598" in said
    assert "listed 0" in said
    assert 'placed [{"' in said
    assert "IBKR API Error: qty must be above 0." in said


def node(*words: str) -> tuple[str, ...]:
    """Node with the packages of this folder, wherever the program lies."""
    found = shutil.which("node")
    if found is None or not (PACKAGES / "axios").exists():
        pytest.skip("needs node and `npm ci --prefix tests/javascript`")
    return found, *words
