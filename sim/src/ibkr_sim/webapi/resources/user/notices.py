"""FYIs: notices, which of them are wanted, their disclaimers, and where they go."""

from __future__ import annotations

from typing import Any, Final

from ibkr_sim.webapi.answers import HTML, Answer, Refused, refusal
from ibkr_sim.webapi.call import Call, Handler, Route, Tier
from ibkr_sim.webapi.numbers import seconds
from ibkr_sim.webapi.pacing import Limit
from ibkr_sim.webapi.user.notices import FIXED, TOPICS, Device, Notice

MOST: Final = 10
DONE: Final = {"V": 1, "T": 5}
DISCLAIMER: Final = "SIMULATOR. Notices of this topic are information; they recommend nothing."


def routes() -> list[Route]:
    options = "/fyi/deliveryoptions"
    return [
        _route("GET", "/fyi/unreadnumber", unread),
        _route("GET", "/fyi/settings", settings),
        _route("POST", "/fyi/settings/{topic}", choose),
        _route("GET", "/fyi/disclaimer/{topic}", disclaimer),
        _route("PUT", "/fyi/disclaimer/{topic}", acknowledge),
        _route("GET", options, delivery),
        _route("PUT", f"{options}/email", choose_email),
        _route("POST", f"{options}/device", add_device),
        _route("DELETE", f"{options}/{{device}}", remove_device),
        _route("GET", "/fyi/notifications", latest),
        _route("GET", "/fyi/notifications/more", latest),
        _route("PUT", "/fyi/notifications/{notice}", read),
    ]


def unread(call: Call) -> Any:
    call.house.user.look()
    return {"BN": call.house.user.notices.unread}


def settings(call: Call) -> Any:
    return [_topic(call, code, title) for code, title in TOPICS.items()]


def choose(call: Call) -> Any:
    """Unknown codes are taken as well."""
    enabled = call.member("enabled")
    if not isinstance(enabled, bool):
        raise refusal(400, "Bad Request: enabled must be true or false")
    topic, unwanted = call.arguments["topic"], call.house.user.notices.unwanted
    if topic in TOPICS and topic not in FIXED:
        (unwanted.discard if enabled else unwanted.add)(topic)
    return DONE


def disclaimer(call: Call) -> Any:
    return {"FC": call.arguments["topic"], "DT": DISCLAIMER}


def acknowledge(call: Call) -> Any:
    if call.arguments["topic"] in TOPICS:
        call.house.user.notices.acknowledged.add(call.arguments["topic"])
    return DONE


def delivery(call: Call) -> Any:
    notices = call.house.user.notices
    rows = [{"NM": row.name, "I": row.id, "UI": row.shown, "A": int(row.enabled)} for row in notices.devices.values()]
    return {"M": int(notices.email), "E": rows}


def choose_email(call: Call) -> Any:
    if call.query.get("enabled") not in ("true", "false"):
        raise refusal(400, "Bad Request: enabled must be true or false")
    call.house.user.notices.email = call.flag("enabled")
    return DONE


def add_device(call: Call) -> Any:
    device_id, name, shown = (call.member(part) for part in ("deviceId", "deviceName", "uiName"))
    enabled, known = call.member("enabled"), call.house.user.notices.devices
    if not (isinstance(device_id, str) and device_id and isinstance(enabled, bool)) or len(known) >= MOST:
        raise refusal(400, "Bad Request: device is not valid")
    known[device_id] = Device(device_id, str(name or ""), str(shown or ""), enabled)
    return DONE


def remove_device(call: Call) -> Any:
    """Nothing is said of success; a device that is not there gets a page."""
    if call.house.user.notices.devices.pop(call.arguments["device"], None) is None:
        raise Refused(Answer("<html><body><h1>Resource not found</h1></body></html>", 404, HTML))
    return Answer("", content_type="text/plain")


def latest(call: Call) -> Any:
    """Ten at most; with an id, those before it."""
    most = call.query.get("max", "")
    limit = min(int(most), MOST) if most.isdecimal() and len(most) < 4 else MOST
    topics, but = (_names(call.query.get(part, "")) for part in ("include", "exclude"))
    call.house.user.look()
    rows = call.house.user.notices.latest(limit, call.query.get("id", ""), topics=topics, but=but)
    return [_told(row) for row in rows]


def read(call: Call) -> Any:
    notice_id = call.arguments["notice"]
    known = call.house.user.notices.mark_read(notice_id)
    return DONE | {"P": {"R": int(known), "ID": notice_id}}


def _route(method: str, path: str, handler: Handler) -> Route:
    return Route(method, path, handler, Tier.PORTAL, Limit(f"{method} {path}", 1, 1))


def _names(text: str) -> frozenset[str]:
    return frozenset(name for name in text.split(",") if name)


def _topic(call: Call, code: str, title: str) -> dict[str, Any]:
    """`A` is there only where the topic can be switched."""
    notices = call.house.user.notices
    row: dict[str, Any] = {"FC": code, "H": int(code in notices.acknowledged), "FN": title, "FD": f"Notices: {title}."}
    return row if code in FIXED else row | {"A": int(code not in notices.unwanted)}


def _told(row: Notice) -> dict[str, Any]:
    return {
        "R": int(row.read),
        "D": f"{seconds(row.time)}.0",
        "MS": row.headline,
        "MD": row.body,
        "ID": row.id,
        "HT": 0,
        "FC": row.topic,
    }
