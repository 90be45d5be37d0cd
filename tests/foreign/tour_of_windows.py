"""The windows of TWS, what it announces, what it sends elsewhere, and what it refuses."""

from __future__ import annotations

from decimal import Decimal
from xml.etree import ElementTree

import pytest

from ibkr_sim.tws.bulletins import BulletinKind
from tests.foreign.puppet import agree, made
from tests.foreign.tour import AAPL, MSFT, Tour, contract
from tests.foreign.tour_of_quotes import MODEL, is_listed

CALL = {"secType": "OPT", "lastTradeDateOrContractMonth": "20260320", "strike": 270.0, "right": "C"}


async def windows(tour: Tour) -> None:
    app = tour.app
    app.queryDisplayGroups(number := tour.number())
    assert (await app.event("displayGroupList", number))[0][1] == "1|2|3|4|5|6|7"
    app.subscribeToGroupEvents(number := tour.number(), 1)
    app.subscribeToGroupEvents(other := tour.number(), 1)
    app.updateDisplayGroup(number, f"{AAPL}@SMART")
    for follower in (number, other):
        told = await app.event("displayGroupUpdated", follower, count=2)
        assert [row[1] for row in told] == ["none", f"{AAPL}@SMART"]
    app.unsubscribeFromGroupEvents(other)
    app.updateDisplayGroup(number, "none")
    await app.event("displayGroupUpdated", number, count=3)
    assert len(app.rows("displayGroupUpdated", other)) == 2
    app.unsubscribeFromGroupEvents(number)
    app.updateDisplayGroup(number, f"{AAPL}@SMART")
    await tour.refused(number, 321)


async def bulletins(tour: Tour) -> None:
    """Today's earlier ones for who asks for all, then each as it is issued, until the client has heard enough."""
    app, heard = tour.app, tour.app.heard["updateNewsBulletin"]
    first = issue(tour, BulletinKind.NEWS, "A holiday is near.", "")
    app.reqNewsBulletins(True)
    await app.becomes(lambda: list(map(plain, heard)), [first])
    second = issue(tour, BulletinKind.EXCHANGE_DOWN, "NYSE is not available.", "NYSE")
    await app.becomes(lambda: list(map(plain, heard)), [first, second])
    app.cancelNewsBulletins()
    await tour.settled()
    issue(tour, BulletinKind.EXCHANGE_UP, "NYSE is back.", "NYSE")
    await tour.settled()
    app.reqNewsBulletins(False)
    await tour.settled()
    fourth = issue(tour, BulletinKind.NEWS, "The day is over.", "")
    await app.becomes(lambda: list(map(plain, heard)), [first, second, fourth])
    app.cancelNewsBulletins()


def issue(tour: Tour, kind: BulletinKind, text: str, exchange: str) -> list[object]:
    """What a client hears of it: id, kind, text and origin."""
    issued = tour.simulator.within(
        lambda simulator: simulator.door.bulletins.issue(kind, text, exchange, simulator.exchange.now())
    )
    return [issued.id, kind.value, text, exchange]


def plain(row: list[object]) -> list[object]:
    return [int(str(row[0])), int(str(row[1])), *row[2:]]


async def reroutes(tour: Tour) -> None:
    """A CFD on a share has no quotes of its own: the share is named instead."""
    app, cfd = tour.app, contract(secType="CFD")
    app.reqMktData(number := tour.number(), cfd, "", False, False, *tour.says.options)
    assert (await app.event("rerouteMktDataReq", number))[0][1:] == [AAPL, "SMART"]
    assert not app.ticks[number]
    for smart, venue in ((True, "SMART"), (False, "NASDAQ")):
        app.reqMktDepth(number := tour.number(), cfd, 5, smart, [])
        assert (await app.event("rerouteMktDepthReq", number))[0][1:] == [AAPL, venue]


async def hedges(tour: Tour) -> None:
    """A request for quotes on an option has its hedge confirmed: the delta and price that are known, or those named."""
    app, first = tour.app, tour.next_order()
    app.reqMktData(live := tour.number(), contract(**CALL), "", False, False, *tour.says.options)
    rows = await app.event("tickOptionComputation", live, MODEL)
    under = tour.ask(lambda exchange: exchange.quote(AAPL))
    (known,) = tour.ask(
        lambda exchange: [row for row in exchange.find_contracts(symbol="AAPL", sec_type="OPT") if is_listed(row)]
    )
    middle = float(((under.bid or 0) + (under.ask or 0)) / 2)
    for number, delta, price, facts in (
        (first, 0.0, 0.0, {"delta": Decimal(str(rows[-1][4])), "price": middle}),
        (first + 1, 0.5, 250.0, {"delta": 0.5, "price": 250.0}),
    ):
        hedge = made("DeltaNeutralContract", conId=AAPL, delta=delta, price=price)
        wanted = made("Contract", conId=known.conid, exchange="SMART", deltaNeutralContract=hedge)
        app.placeOrder(number, wanted, tour.order("QUOTE", 1))
        agree((await app.event("deltaNeutralValidation", number))[0][1], conId=AAPL, **facts)
        app.cancelOrder(number, *tour.says.undone())
        await app.event("orderStatus", number, "Cancelled")
        await tour.refused(number, 202)
    app.cancelMktData(live)


async def companies(tour: Tour) -> None:
    """Reports and ratios of a company agree with each other, with its quote and with the ticks of its year."""
    app, microsoft, reports = tour.app, contract(symbol="MSFT"), {}
    for report in ("ReportSnapshot", "ReportRatios"):
        app.reqFundamentalData(number := tour.number(), microsoft, report, [])
        reports[report] = ElementTree.fromstring((await app.event("fundamentalData", number))[0][1])
        assert reports[report].tag == report
        app.cancelFundamentalData(number)
        await tour.refused(number, 300)
    snapshot, ratios = reports["ReportSnapshot"], reports["ReportRatios"]
    known = tour.ask(lambda exchange: exchange.contract(MSFT))
    assert known is not None
    assert known.symbol in {row.text for row in snapshot.iter("IssueID")}
    (shares,) = {float(row.text or "nan") for row in snapshot.iter("SharesOut")}
    told = {str(row.get("FieldName")): str(row.text) for row in ratios.iter("Ratio")}
    price, worth, low, high = (float(told[name]) for name in ("NPRICE", "MKTCAP", "NLOW", "NHIG"))
    quote = tour.ask(lambda exchange: exchange.quote(MSFT))
    assert price == pytest.approx(float((quote.bid or 0) + (quote.ask or 0)) / 2, abs=1e-5)
    assert worth == pytest.approx(price * shares / 1e6, rel=1e-6)
    assert (low, high) == tour.year
    app.reqMktData(live := tour.number(), microsoft, "258", False, False, *tour.says.options)
    await app.event("tickString", live, 47)
    ticked = dict(pair.split("=") for pair in app.ticks[live][47].strip(";").split(";"))
    assert ticked.items() <= told.items()
    assert "NPRICE" in ticked
    app.cancelMktData(live)
    euro = made("Contract", symbol="EUR", secType="CASH", exchange="IDEALPRO", currency="USD")
    app.reqFundamentalData(number := tour.number(), euro, "ReportSnapshot", [])
    await tour.refused(number, 430)


async def refusals(tour: Tour) -> None:
    """What IBKR refuses an individual's account, and what does not exist."""
    app, says = tour.app, tour.says
    app.reqContractDetails(number := tour.number(), contract(symbol="NOSUCH"))
    await tour.refused(number, 200)
    app.requestFA(1)
    await tour.refused(-1, 321)
    app.replaceFA(number := tour.number(), 1, "<xml/>")
    await tour.refused(number, 321)
    app.reqMktData(number := tour.number(), contract(symbol="NOSUCH"), "", False, False, *says.options)
    await tour.refused(number, 200)
    if tour.version >= 161:
        app.reqWshMetaData(number := tour.number())
        await tour.refused(number, 10276)
        getattr(app, says.end_meta)(number)
        await tour.refused(number, 300)
        app.reqWshEventData(number := tour.number(), made("WshEventData", conId=AAPL))
        await tour.refused(number, 10276)
        getattr(app, says.end_events)(number)
        await tour.refused(number, 300)
