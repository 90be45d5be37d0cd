"""What `ibkr-sim serve` can be told to refuse, as a client of the TWS door hears of it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from ib_async import IB, LimitOrder, Stock

PATIENCE = 20.0
OPTIONS = ("--tws-port", "0", "--control-port", "0", "--no-webapi", "--ready-json")
CHOSEN = ("--most-working-orders", "1", "--refuse-withdrawn")
AAPL: Any = Stock("AAPL", "SMART", "USD", conId=265598)


@pytest.fixture
def port() -> Iterator[int]:
    """Of a simulator that was told to refuse."""
    command = (sys.executable, "-m", "ibkr_sim", "serve", *OPTIONS, *CHOSEN)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["tws_port"]
        finally:
            process.kill()


async def test_the_command_line_says_what_is_refused(port: int) -> None:
    client, refusals = IB(), asyncio.Queue[tuple[int, int]]()
    client.errorEvent += lambda request_id, code, _text, _contract: refusals.put_nowait((request_id, code))
    await client.connectAsync("127.0.0.1", port, clientId=1, timeout=PATIENCE)

    async def refusal(**terms: Any) -> int:
        """The code that an order to buy far below the market is refused with."""
        trade = client.placeOrder(AAPL, LimitOrder("BUY", 1, 10, account="DU9912345", tif="DAY", **terms))
        async with asyncio.timeout(PATIENCE):
            while (told := await refusals.get())[0] != trade.order.orderId:
                continue
        return told[1]

    try:
        assert await refusal(eTradeOnly=True) == 10268
        assert await refusal(firmQuoteOnly=True) == 10269
        client.placeOrder(AAPL, LimitOrder("BUY", 1, 10, account="DU9912345", tif="DAY"))
        assert await refusal() == 201
    finally:
        client.disconnect()


@pytest.mark.parametrize("count", ["-1", "many"])
def test_a_senseless_number_of_working_orders_is_refused(count: str) -> None:
    command = (sys.executable, "-m", "ibkr_sim", "serve", *OPTIONS, "--most-working-orders", count)
    done = subprocess.run(command, capture_output=True, timeout=PATIENCE, check=False)
    assert done.returncode == 2
