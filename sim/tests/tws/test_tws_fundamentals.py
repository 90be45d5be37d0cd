"""Reports on companies: refused without a subscription, and with it at one with what else is told."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as Xml

import pytest

if TYPE_CHECKING:
    from sim.tests.tws.conftest import House, Message

AAPL, SPY = 265598, 756733
VERSIONS = [157, 176, 193, 200]
ROOTS = {
    "ReportSnapshot": "ReportSnapshot",
    "ReportsFinSummary": "FinancialSummary",
    "ReportRatios": "ReportRatios",
    "ReportsFinStatements": "ReportFinancialStatements",
    "RESC": "REarnEstCons",
    "CalendarReport": "WSHData",
}


def ask(report: str, conid: object = AAPL, sec_type: str = "STK", options: tuple[object, ...] = (0, "")) -> list[Any]:
    return [52, 2, 9, conid, "AAPL" if not conid else "", sec_type, "SMART", "", "USD", "", report, *options]


@pytest.fixture
async def subscribed(open_house: Callable[..., Any]) -> House:
    house: House = await open_house(fundamentals=True)
    return house


async def document(house: House, report: str) -> Xml.Element:
    wire = await house.client()
    ((_number, _version, _id, text),) = await wire.ask(*ask(report))
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>')
    return Xml.fromstring(text.encode())


def ratio(root: Xml.Element, name: str) -> Decimal:
    found = root.findtext(f".//Ratio[@FieldName='{name}']")
    assert found is not None
    return Decimal(found)


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_report_is_four_fields_at_every_version(subscribed: House, version: int) -> None:
    wire = await subscribed.client(version=version)
    ((*head, text),) = await wire.ask(*ask("ReportSnapshot"))
    assert head == ["51", "1", "9"]
    assert Xml.fromstring(text.encode()).tag == "ReportSnapshot"


@pytest.mark.parametrize("report", ROOTS)
async def test_every_report_is_well_formed_and_the_same_at_every_asking(subscribed: House, report: str) -> None:
    root = await document(subscribed, report)
    assert root.tag == ROOTS[report]
    wire = await subscribed.client(2)
    first = await wire.ask(*ask(report))
    # Some clients send the options of the request without their count.
    assert await wire.ask(*ask(report, 0, options=("",))) == first


async def test_prices_and_ratios_agree_with_the_quote_and_with_each_other(subscribed: House) -> None:
    root = await document(subscribed, "ReportSnapshot")
    quote = subscribed.simulator.exchange.quote(AAPL)
    assert quote.bid is not None
    assert quote.ask is not None
    price, shares = ratio(root, "NPRICE"), Decimal(root.findtext("CoGeneralInfo/SharesOut") or 0)
    assert price == (quote.bid + quote.ask) / 2
    assert ratio(root, "MKTCAP") == pytest.approx(price * shares / 1_000_000)
    assert ratio(root, "PEEXCLXOR") == pytest.approx(price / ratio(root, "TTMEPSXCLX"), rel=Decimal("1e-4"))
    assert root.findtext("CoIDs/CoID[@Type='CompanyName']") == "APPLE INC"
    assert root.findtext("Issues/Issue/IssueID[@Type='Ticker']") == "AAPL"


async def test_the_reports_tell_one_story(subscribed: House) -> None:
    snapshot, summary = await document(subscribed, "ReportSnapshot"), await document_of(subscribed, "ReportsFinSummary")
    statements, estimates = await document_of(subscribed, "ReportsFinStatements"), await document_of(subscribed, "RESC")
    trailing = summary.findtext("EPSs/EPS[@reportType='TTM']")
    assert Decimal(trailing or 0) == ratio(snapshot, "TTMEPSXCLX")
    quarters = [Decimal(row.text or 0) for row in summary.findall("EPSs/EPS[@reportType='R']")]
    assert sum(quarters[:4]) == ratio(snapshot, "TTMEPSXCLX")
    year = summary.findtext("EPSs/EPS[@asofDate='2024-12-31'][@reportType='A']")
    lines = "FinancialStatements/AnnualPeriods/FiscalPeriod[@EndDate='2024-12-31']/Statement[@Type='INC']/lineItem"
    assert statements.findtext(f"{lines}[@coaCode='SDBF']") == year
    actual = "Actuals/FYActuals/FYActual[@type='EPS']/FYPeriod[@fYear='2024'][@periodType='A']/ActValue"
    assert estimates.findtext(actual) == year
    mapped = {row.get("coaItem") for row in statements.findall("FinancialStatements/COAMap/mapItem")}
    assert {row.get("coaCode") for row in statements.iter("lineItem")} <= mapped


async def document_of(house: House, report: str) -> Xml.Element:
    house_client = await house.client(ord(report[-1]))
    ((*_head, text),) = await house_client.ask(*ask(report))
    return Xml.fromstring(text.encode())


async def test_a_share_of_52_weeks_has_the_same_high_and_low_as_its_statistics(subscribed: House) -> None:
    root = await document(subscribed, "ReportRatios")
    wire = await subscribed.client(2)
    ticks = await wire.ask(1, 11, 5, AAPL, *[""] * 6, "SMART", *[""] * 4, 0, "165,258", 0, 0, "")
    prices = {row[3]: row[4] for row in ticks if row[0] == "1"}
    assert [Decimal(prices[kind]) for kind in ("19", "20")] == [ratio(root, "NLOW"), ratio(root, "NHIG")]


async def test_the_fundamental_ratios_of_a_quote_are_those_of_the_report(subscribed: House) -> None:
    root = await document(subscribed, "ReportRatios")
    wire = await subscribed.client(2)
    ticks = await wire.ask(1, 11, 5, AAPL, *[""] * 6, "SMART", *[""] * 4, 0, "258", 0, 0, "")
    (text,) = [row[4] for row in ticks if row[0] == "46" and row[3] == "47"]
    told = dict(pair.split("=") for pair in text.split(";"))
    written = {row.get("FieldName"): row.text for row in root.iter("Ratio") if row.get("Type") == "N"}
    assert told == written


async def test_without_the_subscription_there_is_neither_a_report_nor_a_ratio(house: House) -> None:
    wire = await house.client()
    assert codes(await wire.ask(*ask("ReportSnapshot"))) == ["430"]
    ticks = await wire.ask(1, 11, 5, AAPL, *[""] * 6, "SMART", *[""] * 4, 0, "258", 0, 0, "")
    assert not [row for row in ticks if row[0] == "46" and row[3] == "47"]


async def test_what_has_no_report_is_refused(subscribed: House) -> None:
    wire = await subscribed.client()
    assert codes(await wire.ask(*ask("ReportOfMyOwn"))) == ["430"]
    assert codes(await wire.ask(*ask("ReportSnapshot", SPY))) == ["430"]
    assert codes(await wire.ask(*ask("ReportSnapshot", 12087792, "CASH"))) == ["430"]
    assert codes(await wire.ask(*ask("ReportSnapshot", 999_999_999))) == ["200"]
    assert codes(await wire.ask(53, 1, 9)) == ["300"]


async def test_a_request_without_its_report_is_unreadable(subscribed: House) -> None:
    wire = await subscribed.client()
    wire.send(52, 2, 9, AAPL, "", "STK", "SMART", "", "USD", "")
    assert "320" in await wire.read()
    assert (await wire.ask(8, 1, 1))[0][0] == "9"


def codes(messages: list[Message]) -> list[str]:
    return [row[3] for row in messages if row[0] == "4"]
