"""The lines that users of earlier services have in their scripts, as they stand; only the address is ours."""

from __future__ import annotations

import asyncio
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

JAVASCRIPT = Path(__file__).parents[1] / "javascript"
PLACE = """curl -X POST http://localhost:8080/orders \\
  -H "Content-Type: application/json" \\
  -d '{
    "symbol": "AAPL",
    "side": "BUY",
    "qty": 100,
    "type": "LIMIT",
    "limit": 150.50,
    "tif": "DAY"
  }'"""

SHAPES: dict[str, set[str]] = {
    "curl http://localhost:8080/": {"service", "status", "connected", "timestamp"},
    "curl http://localhost:8080/health": {"status", "ib_connected", "authenticated", "timestamp", "service", "ibkr"},
    "curl http://localhost:8080/ib/handshake": {"connected"},
    'curl "http://localhost:8080/market/status?ex=NYSE"': {"exchange", "status", "open"},
    'curl "http://localhost:8080/market/status?ex=SIX"': {"exchange", "status", "open"},
    "curl http://localhost:8080/positions": {"positions"},
    "curl http://localhost:8080/pnl": {"account", "daily_pnl", "unrealized_pnl", "realized_pnl"},
    "curl https://your-app.region.awsapprunner.com/account/summary": {"account_summary"},
    "curl https://your-app.region.awsapprunner.com/account/positions": {"positions"},
    'curl "https://your-app.region.awsapprunner.com/market/quote/AAPL?exchange=SMART&currency=USD"': {
        "symbol",
        "exchange",
        "currency",
        "bid",
        "ask",
        "last",
        "close",
        "volume",
        "timestamp",
    },
    "curl http://localhost:8000/account/summary": {"account_summary"},
    "curl http://localhost:8000/account/positions": {"positions"},
    "curl http://localhost:8000/market/quote/AAPL": {"symbol", "bid", "ask", "last"},
}


def ours(text: str, url: str) -> str:
    for theirs in ("https://your-app.region.awsapprunner.com", "http://localhost:8080", "http://localhost:8000"):
        text = text.replace(theirs, url)
    for theirs in ("wss://your-app.region.awsapprunner.com", "ws://localhost:8080"):
        text = text.replace(theirs, url.replace("http://", "ws://"))
    return text


@pytest.mark.parametrize("line", SHAPES)
async def test_a_users_curl_line_gets_the_shape_it_was_written_for(home: Any, curl: Any, line: str) -> None:
    status, answer = await curl(ours(line, home.service.url))
    assert status == 200
    assert set(answer) >= SHAPES[line]


async def test_the_users_order_is_placed_and_its_figures_come_back_exactly(home: Any, curl: Any) -> None:
    status, order = await curl(ours(PLACE, home.service.url))
    assert status == 201
    assert (order["symbol"] if "symbol" in order else order["contract"]["symbol"], order["side"]) == ("AAPL", "BUY")
    assert (order["qty"], order["type"], order["limit"], order["tif"]) == (100, "LIMIT", 150.5, "DAY")
    status, same = await curl(f"curl {home.service.url}/orders/{order['id']}")
    assert (status, same["id"]) == (200, order["id"])


async def test_the_summary_and_the_positions_have_the_users_members(home: Any, curl: Any) -> None:
    _status, order = await home.call("POST", "/orders", {"symbol": "AAPL", "side": "BUY", "qty": 1, "type": "MARKET"})
    await home.until_order(order["id"], "filled")
    _status, summary = await home.call("GET", "/account/summary")
    for tag in ("NetLiquidation", "TotalCashValue", "BuyingPower"):
        figure = summary["account_summary"][tag]
        assert set(figure) == {"value", "currency", "account"}
        assert isinstance(figure["value"], str)

    async def held() -> list[dict[str, Any]]:
        return list((await home.call("GET", "/account/positions"))[1]["positions"])

    [position] = await home.until(held)
    assert set(position) >= {"account", "symbol", "secType", "currency", "position", "avgCost"}
    assert (position["symbol"], position["secType"], position["position"]) == ("AAPL", "STK", 1)


STREAM_PYTHON = """
import websockets
import json
import asyncio

async def stream_quotes():
    uri = "wss://your-app.region.awsapprunner.com/ws/stream"
    async with websockets.connect(uri) as websocket:
        # Subscribe to AAPL
        await websocket.send(json.dumps({
            "action": "subscribe",
            "symbol": "AAPL"
        }))

        # Receive quotes
        while True:
            quote = await websocket.recv()
            print(json.loads(quote))

asyncio.run(stream_quotes())
"""

STREAM_JAVASCRIPT = """
const ws = new WebSocket('wss://your-app.region.awsapprunner.com/ws/stream');

ws.onopen = () => {
  // Subscribe to a symbol
  ws.send(JSON.stringify({
    action: 'subscribe',
    symbol: 'AAPL'
  }));
};

ws.onmessage = (event) => {
  const data = JSON.parse(event.data);
  console.log(data);
};
"""

EVENTS_JAVASCRIPT = """
const ws = new WebSocket('ws://localhost:8080/ws/ib');

ws.on('open', () => {
  console.log('Connected to IBKR Bridge');
});

ws.on('message', (data) => {
  const message = JSON.parse(data);
  console.log('Event:', message.event, 'Data:', message.data);
});

// Keep-alive ping
setInterval(() => {
  ws.send(JSON.stringify({ type: 'ping' }));
}, 30000);
"""


async def printed_by(wanted: tuple[str, ...], *command: str) -> str:
    """What a program prints until every wanted word was seen; then it is ended."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    assert process.stdout is not None
    said = ""
    try:
        async with asyncio.timeout(20):
            while not all(word in said for word in wanted):
                line = await process.stdout.readline()
                assert line, said
                said += line.decode()
    finally:
        process.kill()
        await process.communicate()
    return said


async def test_the_users_python_prints_quotes(home: Any) -> None:
    program = ours(STREAM_PYTHON, home.service.url)
    said = await printed_by(("'bid'",), sys.executable, "-u", "-c", program)
    assert said.startswith("{'type': 'quote', 'symbol': 'AAPL'")


def node(program: str) -> tuple[str, ...]:
    """Node with the `ws` package, under the name WebSocket, as these snippets expect it."""
    found = shutil.which("node")
    if found is None or not (JAVASCRIPT / "node_modules/ws").exists():
        pytest.skip("needs node and `npm ci --prefix tests/javascript`")
    where = (JAVASCRIPT / "node_modules/ws").as_posix()
    return found, "-e", f"const WebSocket = require('{where}');{program}"


async def test_the_users_javascript_prints_quotes(home: Any) -> None:
    said = await printed_by(("bid:", "timestamp:"), *node(ours(STREAM_JAVASCRIPT, home.service.url)))
    assert "type: 'quote'" in said


async def test_the_users_javascript_hears_events(home: Any) -> None:
    listening = asyncio.create_task(
        printed_by(
            ("Connected to IBKR Bridge", "connectionChanged", "orderStatus", "execDetails"),
            *node(ours(EVENTS_JAVASCRIPT, home.service.url)),
        )
    )
    body = {"symbol": "AAPL", "side": "BUY", "qty": 1, "type": "MARKET"}
    while not listening.done():
        await home.call("POST", "/orders", body)
        await asyncio.wait({listening}, timeout=0.5)
    assert "Event: execDetails" in await listening


async def test_a_ping_is_answered(home: Any) -> None:
    async with home.http.ws_connect("/ws/ib") as socket:
        await socket.send_json({"type": "ping"})
        async with asyncio.timeout(5):
            while (await socket.receive_json())["event"] != "pong":
                pass
