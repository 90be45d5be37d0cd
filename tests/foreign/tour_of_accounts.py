"""Every call about accounts, each answer compared with the ledger to the cent."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from ibkr_sim.exchange.exchange import Exchange
from ibkr_sim.exchange.model import AccountValue, Position
from tests.foreign.tour import AAPL, Tour

TAGS = "NetLiquidation,TotalCashValue,InitMarginReq,$LEDGER"
LEDGER = ("CashBalance", "UnrealizedPnL", "RealizedPnL", "ExchangeRate", "StockMarketValue", "NetLiquidationByCurrency")
"""Some of the rows that the last tag stands for."""
FOLLOWED = {"updatePortfolio": (0, 1), "position": (1, 2), "positionMulti": (3, 4)}
"""In which columns they have contract and quantity."""
SILENT = ("position", "positionMulti", "accountSummary", "accountUpdateMulti")
NEW_YORK = ZoneInfo("America/New_York")


def held(tour: Tour) -> list[Position]:
    account = tour.simulator.account
    rows: list[Position] = tour.ask(lambda exchange: [row for row in exchange.positions(account) if row.quantity])
    return rows


def values(tour: Tour) -> set[tuple[str, str, str]]:
    """Every row of the account: key, value, currency."""
    rows: list[AccountValue] = tour.ask(lambda exchange: [*exchange.account_values(tour.simulator.account)])
    return {(row.key, row.value, row.currency) for row in rows}


def figures(*amounts: object) -> list[float]:
    return [float(str(amount)) for amount in amounts]


async def accounts(tour: Tour) -> None:
    await positions(tour)
    await updates(tour)
    await following(tour)
    await profits(tour)


async def positions(tour: Tour) -> None:
    app, account = tour.app, tour.simulator.account
    known = {row.conid: figures(row.quantity, row.average_cost) for row in held(tour)}
    assert known
    app.heard["position"].clear()
    ends = len(app.heard["positionEnd"])
    app.reqPositions()
    await app.event("positionEnd", count=ends + 1)
    assert {row[1]["conId"]: figures(*row[2:4]) for row in app.heard["position"]} == known
    assert {row[0] for row in app.heard["position"]} == {account}
    for _account, what, _quantity, _cost in app.heard["position"]:
        tour.describes(what, what["conId"])
    app.reqPositionsMulti(number := tour.number(), account, "")
    await app.event("positionMultiEnd", number)
    rows = app.rows("positionMulti", number)
    assert {row[2]["conId"]: figures(*row[3:5]) for row in rows} == known
    assert {tuple(row[:2]) for row in rows} == {(account, "")}
    for row in rows:
        tour.describes(row[2], row[2]["conId"])
    app.cancelPositionsMulti(number)
    shown = {row["conid"]: figures(row["quantity"], row["average_cost"]) for row in control(tour)["positions"]}
    assert {conid: row for conid, row in shown.items() if row[0]} == known


def control(tour: Tour) -> dict[str, Any]:
    """The account as the control door shows it."""
    (books,) = [row for row in tour.simulator.ledger()["accounts"] if row["account"] == tour.simulator.account]
    return dict(books)


async def updates(tour: Tour) -> None:
    """One account as a whole, under a request of its own, and as a summary."""
    app, account = tour.app, tour.simulator.account
    app.reqAccountUpdates(True, account)
    await app.event("accountDownloadEnd", account)
    assert {tuple(row[:3]) for row in app.heard["updateAccountValue"]} == values(tour)
    assert {row[3] for row in app.heard["updateAccountValue"]} == {account}
    cash = {row[2]: row[1] for row in app.heard["updateAccountValue"] if row[0] == "CashBalance"}
    assert cash == control(tour)["cash"]
    told = {row[0]["conId"]: figures(*row[1:7]) for row in app.heard["updatePortfolio"]}
    assert {conid: row for conid, row in told.items() if row[0]} == {row.conid: portfolio(row) for row in held(tour)}
    assert {row[7] for row in app.heard["updatePortfolio"]} == {account}
    for what, *_figures in app.heard["updatePortfolio"]:
        tour.describes(what, what["conId"])
    assert (await app.event("updateAccountTime"))[-1] == [f"{tour.simulator.now.astimezone(NEW_YORK):%H:%M}"]
    for ledger_only in (False, True):
        app.reqAccountUpdatesMulti(number := tour.number(), account, "", ledger_only)
        await app.event("accountUpdateMultiEnd", number)
        rows = app.rows("accountUpdateMulti", number)
        known = {row for row in values(tour) if row[2] or not ledger_only}
        assert {tuple(row[2:5]) for row in rows} == known
        assert {tuple(row[:2]) for row in rows} == {(account, "")}
        app.cancelAccountUpdatesMulti(number)


def portfolio(row: Position) -> list[float]:
    amounts = (row.quantity, row.market_price, row.market_value, row.average_cost, row.unrealized_pnl, row.realized_pnl)
    return figures(*amounts)


async def following(tour: Tour) -> None:
    """What is followed tells of trades at once, of values every three minutes; what was cancelled is silent."""
    app, account = tour.app, tour.simulator.account
    app.reqAccountSummary(summary := tour.number(), "All", TAGS)
    await app.event("accountSummaryEnd", summary)
    app.reqAccountUpdatesMulti(whole := tour.number(), account, "", False)
    app.reqPositionsMulti(multi := tour.number(), account, "")
    await app.event("positionMultiEnd", multi)
    tour.simulator.order_by_hand("BUY", 7, "AAPL")
    for event, columns in FOLLOWED.items():
        await told_of(tour, event, *columns)
    await tour.pass_time(200)
    known = values(tour)
    await app.becomes(lambda: set(latest(app.rows("accountUpdateMulti", whole), 2)), known)
    told = set(latest(app.rows("accountSummary", summary), 1))
    assert told <= known
    assert told >= {row for row in known if row[0] in TAGS.split(",") or (row[0] in LEDGER and row[2] == "BASE")}
    assert {row[0] for row in told if row[2] != "BASE"} == set(TAGS.split(",")) - {"$LEDGER"}
    app.cancelAccountSummary(summary)
    app.cancelAccountUpdatesMulti(whole)
    app.cancelPositions()
    app.cancelPositionsMulti(multi)
    await tour.settled()
    before = [len(app.heard[name]) for name in SILENT]
    tour.simulator.order_by_hand("SELL", 7, "AAPL")
    await told_of(tour, "updatePortfolio", *FOLLOWED["updatePortfolio"])
    await tour.pass_time(200)
    assert set(latest(app.heard["updateAccountValue"], 0)) == values(tour)
    assert [len(app.heard[name]) for name in SILENT] == before


def latest(rows: list[list[Any]], start: int) -> list[tuple[str, str, str]]:
    """Key, value and currency, which begin there, as they were told last."""
    found = {(row[start], row[start + 2]): tuple(row[start : start + 3]) for row in rows}
    return [(key, value, currency) for key, value, currency in found.values()]


async def told_of(tour: Tour, event: str, what: int, amount: int) -> None:
    """The last event about AAPL has the ledger's quantity; in these columns stand contract and quantity."""
    (known,) = [float(row.quantity) for row in held(tour) if row.conid == AAPL]

    def last() -> list[float]:
        return [float(row[amount]) for row in tour.app.heard[event] if row[what]["conId"] == AAPL][-1:]

    await tour.app.becomes(last, [known])


async def profits(tour: Tour) -> None:
    """Of the account and of a position, now and after a while; then of neither, while the account is still followed."""
    app, account = tour.app, tour.simulator.account

    def whole(exchange: Exchange) -> list[float]:
        books = exchange.pnl(account)
        return figures(books.daily, books.unrealized, books.realized)

    def single(exchange: Exchange) -> list[float]:
        row = exchange.position(account, AAPL)
        assert row is not None
        return figures(row.quantity, row.daily_pnl, row.unrealized_pnl, row.realized_pnl, row.market_value)

    app.reqPnL(total := tour.number(), account, "")
    app.reqPnLSingle(one := tour.number(), account, "", AAPL)
    for _time in range(2):
        await app.becomes(lambda: [figures(*row) for row in app.rows("pnl", total)][-1:], [tour.ask(whole)])
        await app.becomes(lambda: [figures(*row) for row in app.rows("pnlSingle", one)][-1:], [tour.ask(single)])
        await tour.pass_time(10)
    app.cancelPnL(total)
    app.cancelPnLSingle(one)
    await tour.silent(total, one)
    app.reqAccountUpdates(False, account)
    await tour.settled()
    before = len(app.heard["updatePortfolio"]), len(app.heard["updateAccountValue"])
    tour.simulator.order_by_hand("BUY", 1, "AAPL")
    tour.simulator.order_by_hand("SELL", 1, "AAPL")
    await tour.pass_time(2)
    assert (len(app.heard["updatePortfolio"]), len(app.heard["updateAccountValue"])) == before
