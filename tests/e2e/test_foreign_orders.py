"""Orders that were placed elsewhere: shown as such, and touched only when that is asked for by name."""

from __future__ import annotations

from typing import Any

import ib_async


async def test_an_order_placed_elsewhere_is_shown_as_foreign_and_left_alone_until_a_halt_names_it(home: Any) -> None:
    other = ib_async.IB()
    await other.connectAsync("127.0.0.1", home.simulator.tws_port, clientId=7)
    try:
        [contract] = await other.qualifyContractsAsync(ib_async.Stock("AAPL", "SMART", "USD"))
        assert isinstance(contract, ib_async.Contract)
        other.placeOrder(contract, ib_async.LimitOrder("BUY", 3, 100.0, tif="DAY", account=home.account))
        home.tap.cut()  # a new session looks at everything that is open

        async def shown() -> list[dict[str, Any]]:
            _status, answer = await home.call("GET", "/orders?foreign=true")
            return list(answer["orders"])

        [stranger] = await home.until(shown)
        assert (stranger["foreign"], stranger["qty"], stranger["limit"]) == (True, 3, 100)
        assert (await home.call("GET", "/orders"))[1]["orders"] == []
        for method, change in (("DELETE", None), ("PATCH", {"limit": 99})):
            status, problem = await home.call(method, f"/orders/{stranger['id']}", change)
            assert (status, problem["code"]) == (422, "order.foreign")
        await home.call("POST", "/admin/halt", {"cancel": True})
        assert len(home.simulator.exchange.open_orders()) == 1
        status, report = await home.call("POST", "/admin/halt", {"cancel": True, "foreign": True})
        assert (status, report["remaining"]) == (200, [])
        assert not home.simulator.exchange.open_orders()
    finally:
        other.disconnect()
