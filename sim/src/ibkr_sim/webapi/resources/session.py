"""Sessions: their status, their beginning and their end."""

from __future__ import annotations

from typing import Any

from ibkr_sim.webapi.answers import Answer, Refused, refusal
from ibkr_sim.webapi.call import Call, Route, Tier
from ibkr_sim.webapi.identification import not_authenticated
from ibkr_sim.webapi.pacing import Limit
from ibkr_sim.webapi.sessions.portal import Access
from ibkr_sim.webapi.shapes import status as shapes

VALIDATE = Limit("/sso/validate", 1, 60)


def routes() -> list[Route]:
    return [
        Route("GET POST", "/iserver/auth/status", auth_status, Tier.NOTHING),
        Route("POST", "/iserver/auth/ssodh/init", initialise),
        Route("GET POST", "/iserver/reauthenticate", reauthenticate),
        Route("GET POST", "/tickle", tickle, Tier.NOTHING, Limit("/tickle", 1, 1)),
        Route("GET POST", "/logout", log_out),
        Route("GET POST", "/sso/validate", validate, limit=VALIDATE),
        Route("GET POST", "/sso/validate", validate, limit=VALIDATE, absolute=True),
    ]


def auth_status(call: Call) -> Any:
    house = call.house
    if call.visitor is None and house.unsettled.logged_out_status == 401:
        raise not_authenticated(house)
    told = shapes.authentication(house.sessions, call.visitor)
    return told if call.visitor is None else told | {"fail": ""}


def initialise(call: Call) -> Any:
    """Only a body opens the bridge: with the query alone the answer is the same, and orders fail afterwards."""
    sessions = call.house.sessions
    compete = call.member("compete") in (True, "true")
    asked = isinstance(call.body, dict) and bool(call.body)
    compete = compete if asked else call.flag("compete")
    call.house.orders.forget(call.session.token)
    taken = sessions.initialise(call.session, compete=compete, bridged=asked)
    if taken and call.house.unsettled.bridging_shape:
        return shapes.bridging(sessions, call.session)
    return shapes.authentication(sessions, call.session)


def reauthenticate(call: Call) -> Any:
    """Takes effect at once here, though its answer promises less."""
    call.house.sessions.initialise(call.session, compete=call.flag("force"), bridged=True)
    return {"message": "triggered"}


def tickle(call: Call) -> Any:
    house, session = call.house, call.visitor
    if session is None:
        if house.sessions.known and house.unsettled.lost_session_tickle == 200:
            return {"error": "no session"}
        raise not_authenticated(house)
    told = shapes.tickle(house.sessions, session, house.settings.user_id, history="hmds" in session.progress.asked)
    cookies = {} if session.signed else {"api": session.token, "x-sess-uuid": f"0.{session.token[:8]}"}
    return Answer(told, cookies=cookies)


def validate(call: Call) -> Any:
    if call.session.access is Access.OAUTH1:
        raise Refused(Answer({"error": "not authenticated", "statusCode": 401}, 401))
    settings = call.house.settings
    return shapes.validation(call.house.sessions, call.session, settings.username, settings.user_id)


def log_out(call: Call) -> Any:
    if call.visitor is None:
        raise refusal(401, "not authenticated")
    call.house.sessions.log_out(call.session)
    return {"status": True}
