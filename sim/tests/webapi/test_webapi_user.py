"""What the user keeps: alerts that are met, watchlists, notices and where they go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ibkr_sim.webapi.sessions.portal import Access

ACCOUNT, SECOND = "DU9912345", "DU9967890"
AAPL, IBM = 265598, 8314
ALERTS = f"/iserver/account/{ACCOUNT}/alerts"
ALERT = f"/iserver/account/{ACCOUNT}/alert"
DETAIL = """
    account order_id alert_name tif expire_time alert_active alert_repeatable alert_email alert_send_message
    alert_message alert_show_popup alert_play_audio order_status alert_triggered fg_color bg_color order_not_editable
    itws_orders_only alert_mta_currency alert_mta_defaults tool_id time_zone alert_default_type condition_size
    condition_outside_rth conditions
"""
CONDITION = """
    condition_type conidex contract_description_1 condition_operator condition_trigger_method condition_value
    condition_logic_bind condition_time_zone
"""


def condition(**changes: Any) -> dict[str, Any]:
    usual = {"conidex": f"{AAPL}@SMART", "logicBind": "n", "operator": ">=", "triggerMethod": "0", "type": 1}
    return {**usual, "value": "1.00", **changes}


def alert(*conditions: dict[str, Any], **changes: Any) -> dict[str, Any]:
    body = {"alertName": "Up", "alertMessage": "It rose.", "alertRepeatable": 0, "outsideRth": 1, "tif": "GTC"}
    return {**body, "conditions": list(conditions) or [condition(value="9999")], **changes}


async def test_an_alert_is_made_listed_detailed_changed_and_deleted(house: Any) -> None:
    made = await house.post(ALERT, alert())
    assert set(made) == {"request_id", "order_id", "success", "text", "order_status", "warning_message"}
    assert made["success"] is True
    (row,) = await house.get(ALERTS)
    assert (row["order_id"], row["alert_name"], row["alert_active"]) == (made["order_id"], "Up", 1)
    assert set(row) == {
        "order_id", "account", "alert_name", "alert_active", "order_time", "alert_triggered", "alert_repeatable",
    }  # fmt: skip
    path = f"/iserver/account/alert/{made['order_id']}?type=Q"
    detail = await house.get(path)
    assert set(detail) == set(DETAIL.split())
    assert set(detail["conditions"][0]) == set(CONDITION.split())
    assert await house.post(ALERT, alert(orderId=made["order_id"], alertName="Higher"))
    assert (await house.get(path))["alert_name"] == "Higher"
    status, gone = await house.call("DELETE", f"{ALERT}/{made['order_id']}", json={})
    assert (status, gone["success"]) == (200, True)
    assert await house.get(ALERTS) == []


async def test_an_alert_that_is_met_rings_once_and_tells_of_it(house: Any) -> None:
    stream = await (await house.stream()).welcomed()
    await house.post(ALERT, alert(condition(value=str(house.price("0.5"))), showPopup=1))
    house.advance(seconds=5)
    told = await stream.next("ntf")
    assert told["args"]["text"] == "It rose."
    (row,) = await house.get(ALERTS)
    assert (row["alert_triggered"], row["alert_active"]) == (True, 0)
    newest = (await house.get("/fyi/notifications"))[0]
    assert (newest["FC"], newest["MD"], newest["ID"]) == ("UA", "It rose.", told["args"]["id"])


@pytest.mark.parametrize(
    ("conditions", "met"),
    [
        ((condition(value="9999", logicBind="a"), condition(value="1")), False),
        ((condition(value="9999", logicBind="o"), condition(value="1")), True),
        ((condition(value="1", logicBind="a"), condition(value="1")), True),
        ((condition(operator="<=", value="1"),), False),
        ((condition(type=3, value="20260302-14:59:00"),), True),
        ((condition(type=3, value="20260302-23:00:00"),), False),
        ((condition(type=6, value="0"),), True),
        ((condition(type=9, value="0"),), False),
    ],
)
async def test_conditions_hold_as_they_are_bound(house: Any, conditions: tuple[Any, ...], met: bool) -> None:
    await house.post(ALERT, alert(*conditions))
    (row,) = await house.get(ALERTS)
    assert row["alert_triggered"] is met


async def test_an_alert_can_be_switched_off(house: Any) -> None:
    made = await house.post(ALERT, alert())
    body = {"alertId": made["order_id"], "alertActive": 0}
    told = await house.post(f"{ALERT}/activate", body)
    assert set(told) == {"request_id", "order_id", "success", "text", "failure_list"}
    assert (await house.get(ALERTS))[0]["alert_active"] == 0
    assert (await house.call("POST", f"{ALERT}/activate", json={"alertId": 1, "alertActive": 1}))[0] == 503
    theirs = f"/iserver/account/{SECOND}/alert"
    assert (await house.call("POST", f"{theirs}/activate", json=body))[0] == 503
    assert (await house.call("DELETE", f"{theirs}/{made['order_id']}"))[0] == 503


async def test_alerts_that_do_not_exist_or_make_no_sense(house: Any) -> None:
    wrong = {"error": "MTA alert tool ID is wrong =0"}
    assert await house.get("/iserver/account/alert/0?type=Q") == wrong
    assert (await house.call("GET", "/iserver/account/alert/0"))[0] == 400
    assert (await house.call("DELETE", f"{ALERT}/0"))[0] == 503
    assert (await house.call("POST", ALERT, json={}))[0] == 400
    assert (await house.call("POST", ALERT, json={"alertName": "Incomplete"}))[0] == 500
    for odd in (condition(operator="=="), condition(type=2), condition(value="dear"), "x"):
        assert (await house.call("POST", ALERT, json=alert() | {"conditions": [odd]}))[0] == 500


async def test_the_assistants_alert_is_always_there(house: Any) -> None:
    told = await house.get("/iserver/account/mta")
    assert set(told) == set(DETAIL.split())
    assert (await house.call("DELETE", f"{ALERT}/{told['order_id']}"))[0] == 503
    assert await house.get(ALERTS) == []


async def test_a_signed_user_of_a_paper_account_may_not_make_alerts(house: Any) -> None:
    sessions = house.door.house.sessions
    signed = sessions.sign_in(Access.OAUTH2, "bearer")
    sessions.initialise(signed, compete=True, bridged=True)
    headers = {"Authorization": "Bearer bearer"}
    assert (await house.call("POST", ALERT, json=alert(), headers=headers))[0] == 403
    assert (await house.call("GET", ALERTS, headers=headers))[0] == 200


async def test_a_watchlist_is_thin_at_first_and_overwritten_by_its_id(house: Any) -> None:
    path = "/iserver/watchlist?id=99999"
    body = {"id": "99999", "name": "Mine", "rows": [{"C": AAPL}, {"H": ""}, {"C": 1}]}
    made = await house.post("/iserver/watchlist", body)
    assert (set(made), made["instruments"]) == ({"id", "hash", "name", "readOnly", "instruments"}, [])
    first, blank, unknown = (await house.get(path))["instruments"]
    assert (set(first), blank) == ({"C", "conid", "name"}, {"H": ""})
    first, _blank, _unknown = (await house.get(path))["instruments"]
    assert (first["ticker"], first["assetClass"], first["C"]) == ("AAPL", "STK", str(AAPL))
    assert unknown["conid"] == 1
    await house.post("/iserver/watchlist", {"id": "99999", "name": "Other", "rows": [{"C": IBM}]})
    told = await house.get(path)
    assert (told["name"], told["instruments"][0]["conid"]) == ("Other", IBM)
    data = (await house.get("/iserver/watchlists?SC=USER_WATCHLIST"))["data"]
    assert set(data) == {"scanners_only", "system_lists", "show_scanners", "bulk_delete", "user_lists"}
    assert set(data["user_lists"][0]) == {"is_open", "read_only", "name", "modified", "id", "type"}
    assert (await house.call("DELETE", path))[1]["data"] == {"deleted": "99999"}


@pytest.mark.parametrize(
    ("body", "status"),
    [({}, 400), ({"id": "1"}, 503), ({"id": "x", "name": "Bad"}, 503), ({"id": "2", "name": "No rows"}, 200)],
)
async def test_a_watchlist_needs_a_number_and_a_name(house: Any, body: dict[str, Any], status: int) -> None:
    assert (await house.call("POST", "/iserver/watchlist", json=body))[0] == status


async def test_a_watchlist_that_is_not_there_can_be_deleted_in_a_warm_session_alone(house: Any) -> None:
    assert (await house.call("GET", "/iserver/watchlist?id=7"))[0] == 503
    await house.post("/iserver/auth/ssodh/init", {"publish": True, "compete": True})
    assert (await house.call("DELETE", "/iserver/watchlist?id=7"))[0] == 503
    assert (await house.call("DELETE", "/iserver/watchlist?id=7"))[0] == 200


async def test_notices_are_read_one_by_one(house: Any) -> None:
    assert await house.get("/fyi/unreadnumber") == {"BN": 1}
    (row,) = await house.get("/fyi/notifications?max=5")
    assert set(row) == {"R", "D", "MS", "MD", "ID", "HT", "FC"}
    assert (row["R"], row["FC"]) == (0, "SM")
    status, told = await house.call("PUT", f"/fyi/notifications/{row['ID']}")
    assert (status, told["P"]) == (200, {"R": 1, "ID": row["ID"]})
    assert await house.get("/fyi/unreadnumber") == {"BN": 0}
    assert (await house.call("PUT", "/fyi/notifications/0"))[0] == 200
    assert await house.get("/fyi/notifications?exclude=SM") == []
    assert await house.get(f"/fyi/notifications/more?id={row['ID']}") == []


async def test_topics_can_be_switched_and_their_disclaimers_read(house: Any) -> None:
    def of(rows: list[dict[str, Any]], code: str) -> dict[str, Any]:
        return next(row for row in rows if row["FC"] == code)

    assert await house.post("/fyi/settings/BA", {"enabled": False}) == {"V": 1, "T": 5}
    assert (await house.call("PUT", "/fyi/disclaimer/BA"))[1] == {"V": 1, "T": 5}
    rows = await house.get("/fyi/settings")
    assert (of(rows, "BA")["A"], of(rows, "BA")["H"], "A" in of(rows, "SM")) == (0, 1, False)
    assert (await house.post("/fyi/settings/NONEXISTENT", {"enabled": True}))["V"] == 1
    assert set(await house.get("/fyi/disclaimer/NONEXISTENT")) == {"FC", "DT"}


async def test_notices_go_to_devices_and_by_email(house: Any) -> None:
    device = {"deviceName": "Phone", "deviceId": "d1", "uiName": "My phone", "enabled": True}
    assert (await house.post("/fyi/deliveryoptions/device", device))["V"] == 1
    assert (await house.call("PUT", "/fyi/deliveryoptions/email?enabled=false"))[0] == 200
    told = await house.get("/fyi/deliveryoptions")
    assert told == {"M": 0, "E": [{"NM": "Phone", "I": "d1", "UI": "My phone", "A": 1}]}
    assert await house.call("DELETE", "/fyi/deliveryoptions/d1") == (200, "")
    status, page = await house.call("DELETE", "/fyi/deliveryoptions/d1")
    assert (status, page[:6]) == (404, "<html>")


async def test_notices_may_be_asked_for_once_a_second(open_house: Callable[..., Any]) -> None:
    house = await open_house(pacing=True)
    await house.get("/fyi/unreadnumber")
    await house.get("/fyi/settings")
    assert (await house.call("GET", "/fyi/unreadnumber"))[0] == 429
