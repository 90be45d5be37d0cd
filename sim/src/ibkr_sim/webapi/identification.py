"""Whose request it is: signed with OAuth, carrying a bearer, or come through the gateway."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ibkr_sim.webapi.answers import Answer, Refused, page, refusal
from ibkr_sim.webapi.house import House
from ibkr_sim.webapi.oauth.provider import Denied, Signed
from ibkr_sim.webapi.sessions.portal import Access, PortalSession


@dataclass(frozen=True, slots=True)
class Address:
    """Where a request went; path and query as the caller wrote them.

    `hosts` are what its Host header says and what this door is called: clients name IBKR's host and come here.
    """

    scheme: str
    hosts: tuple[str, ...]
    path: str
    query: str


def identify(house: House, method: str, urls: tuple[str, ...], headers: Mapping[str, str]) -> PortalSession | None:
    """The caller's session; None for the gateway's caller while nobody is logged in. Raises Refused."""
    scheme, _blank, credentials = headers.get("Authorization", "").partition(" ")
    match scheme.lower():
        case "oauth":
            _demand_user_agent(house, headers)
            return _signed(house, Signed(method, urls, headers["Authorization"]))
        case "bearer":
            _demand_user_agent(house, headers)
            return _bearer(house, credentials.strip())
        case _:
            return house.sessions.gateway


def signing_urls(house: House, address: Address) -> tuple[str, ...]:
    """The addresses under which a request may have been signed: here or at IBKR's, with or without its query."""
    local = (f"{address.scheme}://{host}" for host in dict.fromkeys(address.hosts))
    queries = ("", f"?{address.query}") if address.query else ("",)
    bases = (*local, house.settings.public_url.rstrip("/"))
    return tuple(f"{base}{address.path}{suffix}" for base in bases for suffix in queries)


def not_authenticated(house: House) -> Refused:
    """Before the first login the gateway speaks plainly; later, and to who signs, in JSON."""
    if house.sessions.known:
        return refusal(401, "not authenticated")
    return Refused(Answer("Access Denied", 401, "text/plain"))


def _signed(house: House, signed: Signed) -> PortalSession:
    try:
        token = house.provider.verify(signed)
    except Denied as denied:
        raise refusal(401, str(denied)) from denied
    session = house.sessions.signed.get((Access.OAUTH1, token))
    if session is None:
        house.provider.end(token)
        raise refusal(401, "not authenticated")
    return session


def _bearer(house: House, bearer: str) -> PortalSession:
    session = house.sessions.signed.get((Access.OAUTH2, bearer))
    if session is None:
        raise refusal(401, "not authenticated")
    return session


def _demand_user_agent(house: House, headers: Mapping[str, str]) -> None:
    if house.settings.user_agent_required and not headers.get("User-Agent"):
        body = "<h1>Access Denied</h1>You don't have permission to access this on this server.<p>Reference #18.0</p>"
        raise Refused(page("Access Denied", body, 403))
