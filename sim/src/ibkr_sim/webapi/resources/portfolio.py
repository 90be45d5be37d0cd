"""Portfolios: accounts, summaries, ledgers, allocation, positions; no brokerage session is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any, Final

from ibkr_sim.exchange.model import Contract, Position
from ibkr_sim.webapi.answers import Answer, Refused, refusal
from ibkr_sim.webapi.call import Call, Route
from ibkr_sim.webapi.pacing import Limit
from ibkr_sim.webapi.resources.accounts import figures
from ibkr_sim.webapi.settings import Unprimed
from ibkr_sim.webapi.shapes import accounts as account_shapes
from ibkr_sim.webapi.shapes import positions as shapes
from ibkr_sim.webapi.shapes.allocation import allocation as allocated
from ibkr_sim.webapi.shapes.summaries import portfolio_summary

PAGE: Final = 100
SUBACCOUNT_PAGE: Final = 20
_SORTABLE: Final = frozenset(
    ["position", "mktPrice", "mktValue", "avgCost", "unrealizedPnl", "realizedPnl", "conid", "currency"]
)


def routes() -> list[Route]:
    account, second = "/portfolio/{account}", "/portfolio2/{account}"
    every_five = [Limit(path, 1, 5) for path in ("/portfolio/accounts", "/portfolio/subaccounts")]
    return [
        Route("GET", "/portfolio/accounts", accounts, limit=every_five[0]),
        Route("GET", "/portfolio/subaccounts", accounts, limit=every_five[1]),
        Route("GET", "/portfolio/subaccounts2", subaccounts),
        Route("GET POST", "/portfolio/allocation", consolidated_allocation),
        Route("GET", "/portfolio/positions/{conid}", positions_everywhere),
        Route("GET", f"{account}/meta", _of_account(meta, {})),
        Route("GET", f"{account}/summary", _of_account(summary, {})),
        Route("GET", f"{account}/ledger", _of_account(ledger, {})),
        Route("GET", f"{account}/allocation", _of_account(allocation, {})),
        Route("GET", f"{account}/positions", _of_account(positions, [])),
        Route("GET", f"{account}/positions/{{page}}", _of_account(positions, [])),
        Route("POST", f"{account}/positions/invalidate", _of_account(invalidate, {})),
        Route("GET", f"{account}/position/{{conid}}", _of_account(position, [])),
        Route("GET", f"{account}/combo/positions", _of_account(lambda _call, _account: [], [])),
        Route("GET", f"{second}/positions", _of_account(fresh_positions, [])),
        Route("GET", f"{second}/positions/{{page}}", _of_account(fresh_positions, [])),
        Route("GET", f"{second}/position/{{conid}}", _of_account(fresh_position, [])),
    ]


def accounts(call: Call) -> Any:
    call.progress.portfolio_asked = True
    return [_account(call, account) for account in call.market.accounts]


def subaccounts(call: Call) -> Any:
    call.progress.portfolio_asked = True
    page = call.query.get("page", "0")
    first = int(page) * SUBACCOUNT_PAGE if page.isdecimal() else 0
    rows = [_account(call, account) for account in call.market.accounts[first : first + SUBACCOUNT_PAGE]]
    if not call.house.unsettled.subaccounts_paged:
        return rows
    total = len(call.market.accounts)
    metadata = {"total": total, "pageSize": SUBACCOUNT_PAGE, "pageNum": first // SUBACCOUNT_PAGE}
    return {"metadata": metadata, "subaccounts": rows}


def meta(call: Call, account: str) -> Any:
    return _account(call, account)


def summary(call: Call, account: str) -> Any:
    return portfolio_summary(figures(call.market, account), call.market.now())


def ledger(call: Call, account: str) -> Any:
    return account_shapes.ledger(figures(call.market, account), call.market.now())


def allocation(call: Call, account: str) -> Any:
    return allocated([(figures(call.market, account), _valued(call, account))])


def consolidated_allocation(call: Call) -> Any:
    """Of the accounts named; by GET too, as some clients ask."""
    named = call.member("acctIds") if call.method == "POST" else call.query.getall("acctIds", [])
    wanted = named if isinstance(named, list) and named else []
    if not wanted or not all(account in call.market.accounts for account in wanted):
        raise refusal(400, "Bad Request: acctIds are not valid")
    return allocated([(figures(call.market, account), _valued(call, account)) for account in wanted])


def positions(call: Call, account: str) -> Any:
    """A page of a hundred; thin at the first call of a session, unless definitions are waited for."""
    page = call.arguments.get("page", "0")
    if not page.isdecimal():
        raise refusal(400, "Bad Request: page is not valid")
    rich = not call.progress.first(f"positions/{account}") or call.flag("waitForSecDef")
    rows = _sorted([_row(call, held, contract, rich=rich) for held, contract in _cached(call, account)], call)
    first = int(page) * PAGE if len(page) < 8 else len(rows)
    return rows[first : first + PAGE]


def invalidate(call: Call, account: str) -> Any:
    call.house.positions.forget(account)
    return {"message": "success"}


def position(call: Call, account: str) -> Any:
    conid = call.arguments["conid"]
    rich = not call.progress.first(f"position/{account}/{conid}")
    held = [row for row in _cached(call, account) if str(row[0].conid) == conid]
    return [_row(call, position_, contract, rich=rich) for position_, contract in held]


def positions_everywhere(call: Call) -> Any:
    """By account, each a second time under its name with a C."""
    conid = call.arguments["conid"]
    told: dict[str, Any] = {}
    for account in call.market.accounts:
        held = [row for row in _held(call, account) if str(row[0].conid) == conid]
        if held:
            rows = [_row(call, *row, rich=True) for row in held]
            told |= {account: rows, f"{account}C": rows}
    return told


def fresh_positions(call: Call, account: str) -> Any:
    now = call.market.now()
    return [shapes.near_real_time(held, contract, now) for held, contract in _held(call, account)]


def fresh_position(call: Call, account: str) -> Any:
    conid, now = call.arguments["conid"], call.market.now()
    held = [row for row in _held(call, account) if str(row[0].conid) == conid]
    return [shapes.near_real_time(position_, contract, now) for position_, contract in held]


def _of_account(handler: Callable[[Call, str], Any], nothing: Any) -> Callable[[Call], Any]:
    """Guards a path below an account: who it belongs to, and what must have been asked for before."""

    def guarded(call: Call) -> Any:
        account = call.arguments["account"]
        if account not in call.market.accounts:
            raise Refused(Answer("", 401, "text/plain"))  # empty, and no sign that the session has ended
        if not call.progress.portfolio_asked:
            unprimed = call.house.unsettled.unprimed_portfolio
            if unprimed is Unprimed.EMPTY:
                return nothing
            if unprimed is Unprimed.REFUSED:
                raise Refused(Answer("", 401, "text/plain"))
        return handler(call, account)

    return guarded


def _account(call: Call, account: str) -> dict[str, Any]:
    rows = call.market.account_values(account)
    base = next(row.value for row in rows if row.key == "Currency")
    return account_shapes.portfolio_account(account, base, call.house.opened)


def _held(call: Call, account: str) -> list[tuple[Position, Contract]]:
    rows = ((held, call.market.contract(held.conid)) for held in call.market.positions(account) if held.quantity)
    found = [(held, contract) for held, contract in rows if contract is not None]
    return sorted(found, key=lambda row: row[1].long_name)


def _cached(call: Call, account: str) -> Iterable[tuple[Position, Contract]]:
    lag = call.house.settings.position_lag
    return call.house.positions.rows(account, call.market.now(), lag, lambda: _held(call, account))


def _valued(call: Call, account: str) -> Sequence[tuple[Contract, Decimal]]:
    """Positions at their value in the account's currency."""
    return [(contract, held.market_value * _rate(call, account, contract)) for held, contract in _held(call, account)]


def _rate(call: Call, account: str, contract: Contract) -> Decimal:
    return figures(call.market, account).amount("ExchangeRate", contract.currency)


def _row(call: Call, held: Position, contract: Contract, *, rich: bool) -> dict[str, Any]:
    if not rich:
        return shapes.thin(held, contract)
    return shapes.full(held, contract, _rate(call, held.account, contract), call.market.now())


def _sorted(rows: list[dict[str, Any]], call: Call) -> list[dict[str, Any]]:
    name = call.query.get("sort", "")
    if name in _SORTABLE:
        rows.sort(key=lambda row: row[name])
    return rows[::-1] if call.query.get("direction") == "d" else rows
