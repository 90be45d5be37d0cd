"""The gateway's login: a page that says SIMULATOR and keeps nothing, and what IBKR's gateway asks of its upstream."""

from __future__ import annotations

from typing import Any, Final

from ibkr_sim.webapi.answers import Answer, Refused, page, refusal
from ibkr_sim.webapi.call import Call, Route, Tier

COOKIE: Final = "XYZAB_AM.LOGIN"
"""One of the names that IBKR's gateway keeps in its jar and brings back."""
SUCCEEDED: Final = "Client login succeeds"
FORM: Final = (
    "<h1>SIMULATOR of Interactive Brokers</h1>"
    "<p>This is not a page of IBKR. Type anything; never a real password. Nothing that you type is kept.</p>"
    '<form method="post" action="/sso/Login" autocomplete="off">'
    '<label>User <input name="user_name"></label> <label>Password <input type="password" name="password"></label> '
    "<button>Log in</button></form>"
)


def routes() -> list[Route]:
    return [
        _open("GET", "/", start),
        _open("GET", "/sso/Login", show),
        _open("POST", "/sso/Login", log_in),
        _open("GET POST", "/sso/Dispatcher", dispatch),
        _open("GET", "/sso/Success", succeeded),
        _open("GET POST", "/sso/ping", ping),
        _open("GET POST", "/sso/Logout", log_out),
        Route("GET", "/one/user", user),
        # IBKR's gateway asks for a Diffie-Hellman challenge here and goes on without one.
        Route("GET POST", "/ssodh/init", challenge),
    ]


def start(_call: Call) -> Any:
    return _redirect("/sso/Login?forwardTo=22&RL=1&ip2loc=on")


def show(_call: Call) -> Any:
    return page("SIMULATOR", FORM)


def log_in(call: Call) -> Any:
    """What was typed is read no further than to see that there is something."""
    if not (call.form and call.member("user_name")):
        return page("SIMULATOR", FORM)
    ticket = call.house.token()
    call.house.tickets.add(ticket)
    return _redirect("/sso/Dispatcher?forwardTo=22", {COOKIE: ticket})


def dispatch(call: Call) -> Any:
    """The login takes place here: IBKR's gateway knows it by this redirection."""
    ticket = call.cookies.get(COOKIE, "")
    if ticket not in call.house.tickets:
        return _redirect("/sso/Login?forwardTo=22&RL=1")
    call.house.tickets.discard(ticket)
    session = call.house.sessions.log_in()
    return _redirect("/sso/Success", {"api": session.token, "USERID": str(call.house.settings.user_id)})


def succeeded(_call: Call) -> Any:
    return Answer(SUCCEEDED, content_type="text/html")


def ping(call: Call) -> Any:
    """Comes every five minutes from IBKR's gateway, and keeps the login alive, but no brokerage session."""
    session = call.house.sessions.gateway
    if session is None:
        raise refusal(401, "not authenticated")
    call.house.sessions.keep(session)
    return {"RESULT": True}


def log_out(call: Call) -> Any:
    session = call.house.sessions.gateway
    if session is not None:
        call.house.sessions.log_out(session)
    return _redirect("/sso/Login?forwardTo=22&RL=1")


def user(call: Call) -> Any:
    settings = call.house.settings
    return {
        "username": settings.username,
        "features": {"env": "PROD", "wlms": True, "realtime": True},
        "accts": {account: {"isFAClient": False} for account in call.market.accounts},
        "has2fa": False,
        "islite": False,
        "uar": {},
    }


def challenge(call: Call) -> Any:
    if call.visitor is None:
        raise Refused(Answer({"error": "not authenticated", "statusCode": 401}, 401))
    return {"passed": True, "authenticated": True, "connected": True, "competing": False}


def _open(methods: str, path: str, handler: Any) -> Route:
    return Route(methods, path, handler, Tier.OPEN, absolute=True)


def _redirect(location: str, cookies: dict[str, str] | None = None) -> Answer:
    return Answer("", 302, "text/plain", headers={"Location": location}, cookies=cookies or {})
