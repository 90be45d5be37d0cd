"""OAuth: the handshake of version 1.0a, the page on which a user agrees, and the tokens of version 2.0."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from ibkr_sim.webapi.answers import Answer, Refused, page, refusal
from ibkr_sim.webapi.call import Call, Route, Tier
from ibkr_sim.webapi.identification import signing_urls
from ibkr_sim.webapi.oauth.grants import InvalidGrant
from ibkr_sim.webapi.oauth.provider import Denied, Signed
from ibkr_sim.webapi.sessions.portal import Access

LIFETIME_MS = 24 * 3600 * 1000


def routes() -> list[Route]:
    return [
        Route("POST", "/oauth/request_token", request_token, Tier.OPEN),
        Route("POST", "/oauth/access_token", access_token, Tier.OPEN),
        Route("POST", "/oauth/live_session_token", live_session_token, Tier.OPEN),
        Route("GET", "/authorize", ask_user, Tier.OPEN, absolute=True),
        Route("POST", "/authorize", agree, Tier.OPEN, absolute=True),
        Route("POST", "/oauth2/api/v1/token", grant_token, Tier.OPEN, absolute=True),
        Route("POST", "/gw/api/v1/sso-sessions", open_session, Tier.OPEN, absolute=True),
    ]


def request_token(call: Call) -> Any:
    try:
        return {"oauth_token": call.house.provider.request_token(_signed(call))}
    except Denied as denied:
        raise refusal(401, str(denied)) from denied


def access_token(call: Call) -> Any:
    try:
        token, secret = call.house.provider.access_token(_signed(call))
    except Denied as denied:
        raise refusal(401, str(denied)) from denied
    return {"is_paper": True, "oauth_token": token, "oauth_token_secret": secret}


def live_session_token(call: Call) -> Any:
    """Opens the session, too; an earlier one of the same access token ends."""
    try:
        token, agreement = call.house.provider.live_session_token(_signed(call))
    except Denied as denied:
        raise refusal(401, str(denied)) from denied
    call.house.sessions.sign_in(Access.OAUTH1, token)
    return {
        "diffie_hellman_response": agreement.response,
        "live_session_token_signature": agreement.signature,
        "live_session_token_expiration": int(call.house.wall() * 1000) + LIFETIME_MS,
    }


def ask_user(call: Call) -> Any:
    token = call.query.get("oauth_token", "")
    if not token.isalnum():
        raise Refused(page("SIMULATOR", "<p>Unknown request.</p>", 400))
    body = (
        "<h1>SIMULATOR of Interactive Brokers</h1><p>Not a page of IBKR. A program asks to trade for the simulated "
        f'user.</p><form method="post"><input type="hidden" name="oauth_token" value="{token}">'
        "<button>Agree</button></form>"
    )
    return page("SIMULATOR", body)


def agree(call: Call) -> Any:
    """Sends the user back to where the program waits, or shows what to type in there."""
    token = str(call.member("oauth_token") or "")
    agreed = call.house.provider.authorize(token)
    if agreed is None:
        raise Refused(page("SIMULATOR", "<p>Unknown request.</p>", 400))
    callback, verifier = agreed
    if not callback.startswith(("http://", "https://")):
        return page("SIMULATOR", f"<h1>SIMULATOR</h1><p>Verifier: <code>{verifier}</code></p>")
    mark = "&" if "?" in callback else "?"
    query = urlencode({"oauth_token": token, "oauth_verifier": verifier})
    return Answer("", 302, "text/plain", headers={"Location": f"{callback}{mark}{query}"})


def grant_token(call: Call) -> Any:
    try:
        return dict(call.house.grants.token(call.body if call.form else {}))
    except InvalidGrant as error:
        raise _refused(error, 401 if error.code == "invalid_client" else 400) from error


def open_session(call: Call) -> Any:
    scheme, _blank, bearer = call.headers.get("Authorization", "").partition(" ")
    try:
        name = call.house.grants.session(bearer if scheme.lower() == "bearer" else "", call.text.strip())
    except InvalidGrant as error:
        raise _refused(error, 401) from error
    call.house.sessions.sign_in(Access.OAUTH2, name)
    return {"active": True, "access_token": name, "token_type": "Bearer"}


def _refused(error: InvalidGrant, status: int) -> Refused:
    return Refused(Answer({"error": error.code, "error_description": str(error)}, status))


def _signed(call: Call) -> Signed:
    return Signed(call.method, signing_urls(call.house, call.address), call.headers.get("Authorization", ""))
