"""Places one order through the bridge and follows it to its end: python examples/first_order.py [http://127.0.0.1:8000]

Needs nothing but Python. Run it against the demo; on a real gateway it buys ten shares.
"""

from __future__ import annotations

import json
import sys
import time
import urllib.error
import urllib.request
import uuid
from typing import Any

BRIDGE = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000"
ENDED = {"filled", "cancelled", "rejected", "expired", "denied", "never_arrived"}


def call(method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """One request; a refusal ends the program with its reason and the next step."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(  # noqa: S310  the address is the user's own
        f"{BRIDGE}{path}", method=method, data=data, headers={"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return dict(json.load(answer))
    except urllib.error.HTTPError as refusal:
        problem = json.load(refusal)
        sys.exit(f"{problem['status']} {problem['code']}: {problem['detail']} {problem['advice']}")


def main() -> None:
    quote = call("GET", "/market/quote/AAPL")
    print(f"AAPL {quote['bid']} / {quote['ask']} {quote['currency']} ({quote['data_type']})")

    # The id makes the request safe to repeat: sent twice, it is still one order.
    order = call(
        "POST",
        "/orders",
        {"symbol": "AAPL", "side": "BUY", "qty": 10, "type": "MARKET", "client_order_id": f"first-{uuid.uuid4()}"},
    )
    deadline = time.monotonic() + 30
    while order["status"] not in ENDED and time.monotonic() < deadline:
        print(f"order {order['id']} is {order['status']}")
        time.sleep(0.5)
        order = call("GET", f"/orders/{order['id']}")
    print(f"order {order['id']} is {order['status']}: {order['filled_qty']} at {order['avg_fill_price']}")

    for position in call("GET", "/positions")["positions"]:
        print(
            f"{position['account']} holds {position['qty']} {position['contract']['symbol']} at {position['avg_cost']}"
        )


if __name__ == "__main__":
    main()
