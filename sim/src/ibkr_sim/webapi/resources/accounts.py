"""Accounts of the brokerage session: which there are, which is selected, what they hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ibkr_sim.exchange.port import Market
from ibkr_sim.webapi.answers import Answer, Refused, plain_refusal, refusal
from ibkr_sim.webapi.call import Call, Route, Tier
from ibkr_sim.webapi.house import House
from ibkr_sim.webapi.pacing import Limit
from ibkr_sim.webapi.sessions.portal import PortalSession
from ibkr_sim.webapi.shapes import accounts as shapes
from ibkr_sim.webapi.shapes import status
from ibkr_sim.webapi.shapes.accounts import Figures

ALL = "All"


def routes() -> list[Route]:
    one = "/iserver/account/{account}/summary"
    parts: dict[str, Callable[[Figures], Any]] = {
        "": shapes.brokerage_summary,
        "/available_funds": shapes.available_funds,
        "/balances": shapes.balances,
        "/margins": shapes.margins,
        "/market_value": shapes.market_value,
    }
    return [
        # It answers also for a session that has no bridge: who trusts it is surprised by the first order.
        Route("GET", "/iserver/accounts", brokerage_accounts),
        Route("POST", "/iserver/account", select, Tier.ACCOUNTS),
        Route("GET", "/iserver/account/search/{pattern}", search, Tier.ACCOUNTS),
        Route("POST", "/iserver/dynaccount", set_dynamic, Tier.ACCOUNTS),
        Route(
            "GET",
            "/iserver/account/pnl/partitioned",
            profit_and_loss,
            Tier.BROKERAGE,
            Limit("/iserver/account/pnl/partitioned", 1, 5),
        ),
        Route("GET", "/acesws/{account}/signatures-and-owners", owners),
        *(Route("GET", one + suffix, _summary(shape), Tier.BROKERAGE) for suffix, shape in parts.items()),
    ]


def brokerage_accounts(call: Call) -> Any:
    call.progress.accounts_asked = True
    return told_accounts(call.house, call.session)


def told_accounts(house: House, session: PortalSession) -> dict[str, Any]:
    """What the path and the WebSocket's greeting tell alike."""
    return status.accounts(account_names(house), session.account, f"{session.token[:8]}.{1:08x}")


def account_names(house: House) -> list[str]:
    names = list(house.market.accounts)
    return [*names, ALL] if len(names) > 1 and house.unsettled.account_called_all else names


def chosen(call: Call) -> list[str]:
    """The accounts that the one selected, or the one named by `accountId`, stands for."""
    name = call.query.get("accountId")
    return _meant(call.house, name) if name else chosen_accounts(call.house, call.session)


def chosen_accounts(house: House, session: PortalSession) -> list[str]:
    return _meant(house, session.account)


def covers(house: House, session: PortalSession, account: str) -> bool:
    """Whether an account is the one selected, or one of all."""
    return account in chosen_accounts(house, session)


def _meant(house: House, name: str) -> list[str]:
    return list(house.market.accounts) if name == ALL else [name]


def checked(call: Call) -> str:
    """The account in the path. Raises Refused (400) for one that is not the user's."""
    account = call.arguments["account"]
    if account not in call.market.accounts:
        raise refusal(400, f"Bad Request: accountId is not valid: {account}")
    return account


def figures(market: Market, account: str) -> Figures:
    return Figures.of(account, market.account_values(account))


def select(call: Call) -> Any:
    name = call.member("acctId")
    if not isinstance(name, str) or not name:
        raise refusal(400, "Bad Request: acctId is missing")
    if name not in account_names(call.house):
        raise plain_refusal(500, f"Account {name} not found")
    if name == call.session.account:
        old = call.house.unsettled.already_set_status
        text = "Account already set"
        return {"success": text} if old == 200 else Answer({"error": text}, old)
    call.session.account = name
    return {"set": True, "acctId": name}


def search(_call: Call) -> Any:
    text = "Details currently unavailable. Please try again later and contact client services if the issue persists."
    raise refusal(503, text)


def set_dynamic(_call: Call) -> Any:
    raise plain_refusal(401, "Acct not found from search result")


def profit_and_loss(call: Call) -> Any:
    if call.progress.first("pnl"):
        return {"upnl": {}}
    return {"upnl": partitioned(call.house, call.session)}


def partitioned(house: House, session: PortalSession) -> dict[str, Any]:
    """By account, `DU9912345.Core`; of the account that is selected."""
    names = house.market.accounts if session.account == ALL else [session.account]
    return {
        f"{name}.Core": shapes.profit_and_loss(figures(house.market, name), house.market.pnl(name).daily)
        for name in names
    }


def owners(call: Call) -> Any:
    account = call.arguments["account"]
    if account not in call.market.accounts:
        raise Refused(Answer("", 401, "text/plain"))
    entity = {"firstName": "SIMULATOR", "lastName": "SIMULATOR", "entityType": "INDIVIDUAL", "entityName": "SIMULATOR"}
    user = {"roleId": "OWNER", "hasRightCodeInd": True, "userName": call.house.settings.username, "entity": entity}
    return {"accountId": account, "users": [user], "applicant": {"signatures": ["SIMULATOR"]}}


def _summary(shape: Callable[[Figures], Any]) -> Callable[[Call], Any]:
    return lambda call: shape(figures(call.market, checked(call)))
