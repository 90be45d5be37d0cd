"""Alerts of the user: made, listed, switched on and off, deleted."""

from __future__ import annotations

from typing import Any

from ibkr_sim.webapi.answers import plain_refusal, refusal
from ibkr_sim.webapi.call import Call, Route, Tier
from ibkr_sim.webapi.resources.accounts import checked
from ibkr_sim.webapi.shapes import alerts as shapes
from ibkr_sim.webapi.user.alert_orders import InvalidAlert, parse_alert
from ibkr_sim.webapi.user.alerts import Alerts, UnknownAlert


def routes() -> list[Route]:
    account = "/iserver/account/{account}"
    return [
        Route("GET", "/iserver/account/mta", assistant, Tier.BROKERAGE),
        Route("GET", "/iserver/account/alert/{alert_id}", detail, Tier.BROKERAGE),
        Route("GET", f"{account}/alerts", listing, Tier.BROKERAGE),
        Route("POST", f"{account}/alert", save, Tier.BROKERAGE),
        Route("POST", f"{account}/alert/activate", activate, Tier.BROKERAGE),
        Route("DELETE", f"{account}/alert/{{alert_id}}", delete, Tier.BROKERAGE),
    ]


def listing(call: Call) -> Any:
    account = checked(call)
    call.house.user.look()
    return [shapes.listed(alert) for alert in _alerts(call).of(account)]


def assistant(call: Call) -> Any:
    return shapes.detailed(_alerts(call).assistant, call.market.contract, assistant=True)


def detail(call: Call) -> Any:
    """An unknown id is answered with 200, and with an error in it."""
    if call.query.get("type") != "Q":
        raise refusal(400, "Bad Request: type is not valid")
    text = call.arguments["alert_id"]
    call.house.user.look()
    try:
        alert = _alerts(call).find(_whole(text))
    except UnknownAlert:
        return {"error": f"MTA alert tool ID is wrong ={text}"}
    return shapes.detailed(alert, call.market.contract, assistant=alert is _alerts(call).assistant)


def save(call: Call) -> Any:
    """With `orderId` it changes the alert of that id."""
    account = checked(call)
    if not isinstance(call.body, dict) or not call.body:
        raise refusal(400, "Bad Request: body is empty")
    if call.session.signed and call.house.settings.paper_restrictions:
        raise refusal(403, "Forbidden")
    now, changed = call.market.now(), call.member("orderId")
    try:
        draft = parse_alert(call.body, changed if isinstance(changed, int) else 0, account, now)
    except InvalidAlert as error:
        raise plain_refusal(500, str(error)) from error
    _follow(call, [condition.conid for condition in draft.conditions])
    if not draft.id:
        return shapes.created(_alerts(call).add(draft))
    try:
        _alerts(call).change(draft)
    except UnknownAlert as error:
        raise refusal(503, "Service Unavailable") from error
    return shapes.created(draft)


def activate(call: Call) -> Any:
    account, alert_id = checked(call), call.member("alertId")
    if not isinstance(alert_id, int) or call.member("alertActive") not in (0, 1):
        raise plain_refusal(500, "alertId and alertActive are needed")
    try:
        _alerts(call).activate(account, alert_id, active=bool(call.member("alertActive")))
    except UnknownAlert as error:
        raise refusal(503, "Service Unavailable") from error
    return shapes.acknowledged(alert_id, "Request was submitted")


def delete(call: Call) -> Any:
    account, alert_id = checked(call), _whole(call.arguments["alert_id"])
    try:
        _alerts(call).delete(account, alert_id)
    except UnknownAlert as error:
        raise refusal(503, "Service Unavailable") from error
    return shapes.acknowledged(alert_id, "Request was submitted")


def _alerts(call: Call) -> Alerts:
    return call.house.user.alerts


def _follow(call: Call, conids: list[int]) -> None:
    """Have the contracts' quotes published from now on."""
    for conid in conids:
        if call.market.contract(conid) is not None:
            call.market.quote(conid)


def _whole(text: str) -> int:
    """Raises Refused (500) for what is not a number."""
    if not text.isdecimal() or len(text) > 12:
        raise plain_refusal(500, "alert id is not valid")
    return int(text)
