"""Portfolios: IBKR's answers at the Web API, the engine's figures in IBKR's shapes at TWS."""

from __future__ import annotations

from typing import Any, Final

from ibkr_bridge.api.mirror import passing
from ibkr_bridge.api.mirror.answers import Refusal
from ibkr_bridge.api.mirror.call import Call
from ibkr_bridge.api.mirror.entry import Entry, answered, passed
from ibkr_bridge.api.mirror.shapes import portfolio as shapes
from ibkr_bridge.api.mirror.shapes.numbers import seconds
from ibkr_bridge.domain.account import Position, Seen
from ibkr_bridge.domain.world import World

_LONGEST_PAGE_NUMBER: Final = 6
_ACCOUNTS_KEPT: Final = 60.0
"""IBKR allows one call in five seconds, and accounts change seldom."""


def entries() -> list[Entry]:
    account, second = "/portfolio/{account}", "/portfolio2/{account}"
    seed = "Exactly conid, ticker, position, mkt_price and mkt_value of each, from the engine."
    return [
        passed("GET", "/portfolio/accounts", tws=accounts, keep=_ACCOUNTS_KEPT),
        passed("GET", "/portfolio/subaccounts", tws=accounts, keep=_ACCOUNTS_KEPT),
        passed("GET", "/portfolio/subaccounts2", tws=accounts),
        answered(
            "GET POST",
            "/portfolio/allocation",
            allocations,
            "IBKR's answer; by GET too, as some clients ask.",
            tws=False,
        ),
        passed("GET", "/portfolio/positions/{conid}"),
        passed("GET", f"{account}/meta", tws=meta),
        passed("GET", f"{account}/summary", tws=summary),
        passed("GET", f"{account}/ledger", tws=ledger),
        passed("GET", f"{account}/allocation"),
        answered("GET", f"{account}/positions", positions_in_short, seed),
        passed("GET", f"{account}/positions/{{page}}", "Never thin.", tws=positions),
        passed("POST", f"{account}/positions/invalidate"),
        passed("GET", f"{account}/position/{{conid}}", "Never thin.", tws=position),
        passed("GET", f"{account}/combo/positions"),
        passed("GET", f"{second}/positions", tws=fresh_positions),
        passed("GET", f"{second}/positions/{{page}}", tws=fresh_positions),
        passed("GET", f"{second}/position/{{conid}}", tws=fresh_position),
        passed("GET", "/iserver/account/{account}/summary", tws=brokerage_summary),
        *(
            passed("GET", f"/iserver/account/{{account}}/summary/{part}")
            for part in ("available_funds", "balances", "margins", "market_value")
        ),
        answered("GET", "/iserver/account/pnl/partitioned", profit_and_loss, "From the engine; never empty at first."),
        passed("GET", "/acesws/{account}/signatures-and-owners"),
    ]


async def accounts(call: Call) -> Any:
    names = call.engine.sessions.current.accounts
    if not names:
        call.engine.sessions.require()
    return [await _account(call, name) for name in names]


async def meta(call: Call) -> Any:
    return await _account(call, call.account)


async def summary(call: Call) -> Any:
    return shapes.summary(await call.engine.accounts.summary(call.account))


async def ledger(call: Call) -> Any:
    seen = await call.engine.accounts.summary(call.account)
    return shapes.ledger(seen, (await call.engine.accounts.pnl(call.account)).value)


async def brokerage_summary(call: Call) -> Any:
    return shapes.brokerage_summary((await call.engine.accounts.summary(call.account)).value)


async def profit_and_loss(call: Call) -> Any:
    told = {}
    for account in sorted(call.meant):
        figures = (await call.engine.accounts.summary(account)).value
        told[f"{account}.Core"] = shapes.profit_and_loss(figures, (await call.engine.accounts.pnl(account)).value)
    return {"upnl": told}


async def allocations(call: Call) -> Any:
    named = call.member("acctIds") if call.method == "POST" else call.several.get("acctIds", [])
    told = await passing.ask(call, "POST", "/portfolio/allocation", {}, {"acctIds": named}, shared=True)
    return passing.reply(call, told)


async def positions_in_short(call: Call) -> Any:
    return [shapes.position_in_short(held) for held in (await _held(call)).value]


async def positions(call: Call) -> Any:
    page = call.arguments["page"]
    if not page.isdecimal() or len(page) > _LONGEST_PAGE_NUMBER:
        raise Refusal(400, "Bad Request: page is not valid")
    first = int(page) * shapes.PAGE
    return [shapes.position(held) for held in shapes.ordered(await _held(call))[first : first + shapes.PAGE]]


async def position(call: Call) -> Any:
    return [shapes.position(held) for held in (await _held(call)).value if _is_meant(call, held)]


async def fresh_positions(call: Call) -> Any:
    seen = await _held(call)
    return [shapes.fresh_position(held, seconds(seen.as_of)) for held in shapes.ordered(seen)]


async def fresh_position(call: Call) -> Any:
    seen = await _held(call)
    return [shapes.fresh_position(held, seconds(seen.as_of)) for held in seen.value if _is_meant(call, held)]


async def _held(call: Call) -> Seen[tuple[Position, ...]]:
    return await call.engine.accounts.positions(call.account)


def _is_meant(call: Call, held: Position) -> bool:
    return str(held.contract.conid) == call.arguments["conid"]


async def _account(call: Call, name: str) -> dict[str, Any]:
    told = (await call.engine.accounts.summary(name)).value
    return shapes.account(told, live=call.engine.health.view().world is World.LIVE)
