"""Reports on a company as IBKR passes them on: XML in the layouts of its provider of fundamentals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Final
from xml.etree import ElementTree as Xml

from ibkr_sim.reference.fundamentals import DELAY, Fundamentals, Period

_HEAD: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'
_EDITION: Final = {"Major": "1", "Minor": "0", "Revision": "1"}
_DIGITS: Final = Decimal("0.00001")
_MILLION: Final = Decimal(1_000_000)
_NAMES: Final = {
    "SREV": "Revenue",
    "SGRP": "Gross Profit",
    "NINC": "Net Income",
    "SDBF": "Diluted Normalized EPS",
    "DDPS1": "DPS - Common Stock Primary Issue",
    "QTLE": "Total Equity",
    "ACAE": "Cash & Equivalents",
    "QTCO": "Total Common Shares Outstanding",
}


def report(known: Fundamentals, kind: str) -> str | None:
    """None for a kind that does not exist ("Fundamental Data" names them)."""
    write = REPORTS.get(kind)
    if write is None:
        return None
    root = write(known)
    Xml.indent(root, "\t")
    return _HEAD + Xml.tostring(root, encoding="unicode")


def ratios(known: Fundamentals) -> dict[str, dict[str, Decimal]]:
    """By group and field: money in millions unless it is for a share, and percentages; also those of tick type 47."""
    trailing, price = known.trailing, known.price
    return {
        "Price and Volume": {
            "NPRICE": price,
            "NHIG": known.high,
            "NLOW": known.low,
            "VOL10DAVG": known.volume / _MILLION,
            "EV": known.market_value - known.cash,
        },
        "Income Statement": {
            "MKTCAP": known.market_value,
            "TTMREV": trailing.revenue,
            "TTMNIAC": trailing.income,
        },
        "Per share data": {
            "TTMEPSXCLX": trailing.earnings,
            "TTMREVPS": known.for_a_share(trailing.revenue),
            "QBVPS": known.for_a_share(known.book),
            "QCSHPS": known.for_a_share(known.cash),
            "TTMDIVSHR": trailing.dividend,
        },
        "Other Ratios": {
            "TTMGROSMGN": trailing.gross_profit / trailing.revenue * 100,
            "TTMROEPCT": trailing.income / known.book * 100,
            "TTMPR2REV": known.market_value / trailing.revenue,
            "PEEXCLXOR": price / trailing.earnings,
            "PRICE2BK": known.market_value / known.book,
            "Employees": Decimal(known.employees),
        },
    }


def ratios_text(known: Fundamentals) -> str:
    """As tick type 47 tells them: `TTMREV=96.31;MKTCAP=...`."""
    pairs = (pair for group in ratios(known).values() for pair in group.items())
    return ";".join(f"{name}={_number(value)}" for name, value in pairs)


def _snapshot(known: Fundamentals) -> Xml.Element:
    root = Xml.Element("ReportSnapshot", _EDITION)
    _identity(root, known)
    _general(root, known)
    texts = Xml.SubElement(root, "TextInfo")
    summary = f"{known.contract.long_name} is a company of this simulator: its figures are invented."
    _leaf(texts, "Text", summary, Type="Business Summary", lastModified=f"{known.trailing.ends}T00:00:00")
    peers = Xml.SubElement(Xml.SubElement(root, "peerInfo"), "IndustryInfo")
    _leaf(peers, "Industry", known.contract.category, type="TRBC", order="1", reported="0", code="", mnem="")
    _ratios(root, known)
    _forecast(root, known)
    return root


def _only_ratios(known: Fundamentals) -> Xml.Element:
    root = Xml.Element("ReportRatios", _EDITION)
    _identity(root, known)
    _ratios(root, known)
    return root


def _summary(known: Fundamentals) -> Xml.Element:
    """Revenues in whole money; a year, the four latest quarters (TTM), and every quarter (R)."""
    root = Xml.Element("FinancialSummary")
    rows: tuple[tuple[str, str, Callable[[Period], Decimal]], ...] = (
        ("EPSs", "EPS", lambda period: period.earnings),
        ("DividendPerShares", "DividendPerShare", lambda period: period.dividend),
        ("TotalRevenues", "TotalRevenue", lambda period: period.revenue * _MILLION),
    )
    spans = [("TTM", "12M", known.trailing)]
    spans += [("A", "12M", period) for period in known.years]
    spans += [("R", "3M", period) for period in known.quarters]
    for plural, name, value in rows:
        parent = Xml.SubElement(root, plural, currency=known.contract.currency)
        for kind, length, period in spans:
            text = _number(value(period))
            _leaf(parent, name, text, asofDate=str(period.ends), reportType=kind, period=length)
    return root


def _statements(known: Fundamentals) -> Xml.Element:
    root = Xml.Element("ReportFinancialStatements", _EDITION)
    _identity(root, known)
    _general(root, known)
    statements = Xml.SubElement(root, "FinancialStatements")
    codes = Xml.SubElement(statements, "COAMap")
    for code, name in _NAMES.items():
        _leaf(codes, "mapItem", name, coaItem=code, statementType=_statement_of(code), lineID="0", precision="1")
    annual = Xml.SubElement(statements, "AnnualPeriods")
    for period in known.years:
        _fiscal_period(annual, known, period)
    interim = Xml.SubElement(statements, "InterimPeriods")
    for period in known.quarters:
        _fiscal_period(interim, known, period)
    return root


def _fiscal_period(parent: Xml.Element, known: Fundamentals, period: Period) -> None:
    kind = {"Type": "Interim", "FiscalPeriodNumber": str(period.quarter)} if period.quarter else {"Type": "Annual"}
    row = Xml.SubElement(
        parent, "FiscalPeriod", kind | {"EndDate": str(period.ends), "FiscalYear": str(period.fiscal_year)}
    )
    length = ("13", "W", "Weeks") if period.quarter else ("12", "M", "Months")
    lines = {
        "SREV": period.revenue,
        "SGRP": period.gross_profit,
        "NINC": period.income,
        "SDBF": period.earnings,
        "DDPS1": period.dividend,
    }
    if period.ends == known.trailing.ends:
        lines |= {"QTLE": known.book, "ACAE": known.cash, "QTCO": known.shares / _MILLION}
    for statement in ("INC", "BAL"):
        chosen = {code: value for code, value in lines.items() if _statement_of(code) == statement}
        if not chosen:
            continue
        element = Xml.SubElement(row, "Statement", Type=statement)
        header = Xml.SubElement(element, "FPHeader")
        if statement == "INC":
            _leaf(header, "PeriodLength", length[0])
            _leaf(header, "periodType", length[2], Code=length[1])
        _leaf(header, "StatementDate", str(period.ends))
        for code, value in chosen.items():
            _leaf(element, "lineItem", _number(value), coaCode=code)


def _statement_of(code: str) -> str:
    return "BAL" if code in ("QTLE", "ACAE", "QTCO") else "INC"


def _estimates(known: Fundamentals) -> Xml.Element:
    """What is expected grows on as before."""
    root = Xml.Element("REarnEstCons")
    _estimated_company(root, known)
    actuals = Xml.SubElement(Xml.SubElement(root, "Actuals"), "FYActuals")
    kinds: tuple[tuple[str, str, Callable[[Period], Decimal]], ...] = (
        ("REVENUE", "MU", lambda period: period.revenue),
        ("NETPROFIT", "MU", lambda period: period.income),
        ("EPS", "U", lambda period: period.earnings),
    )
    expected = Xml.SubElement(root, "ConsEstimates")
    forecasts = Xml.SubElement(expected, "FYEstimates")
    coming = known.years[0].fiscal_year + 1
    for name, unit, value in kinds:
        row = Xml.SubElement(actuals, "FYActual", type=name, unit=unit)
        for period in (*known.years, *known.quarters):
            updated = f"{period.ends + DELAY}T00:00:00"
            _leaf(_span(row, period), "ActValue", _number(value(period)), updated=updated)
        row = Xml.SubElement(forecasts, "FYEstimate", type=name, unit=unit)
        year = Xml.SubElement(row, "FYPeriod", fYear=str(coming), endMonth="12", endCalYear=str(coming), periodType="A")
        _consensus(year, value(known.years[0]) * (1 + known.growth))
    target = Xml.SubElement(Xml.SubElement(expected, "NPEstimates"), "NPEstimate", type="TARGETPRICE", unit="U")
    _consensus(target, _target_price(known))
    return root


def _estimated_company(root: Xml.Element, known: Fundamentals) -> None:
    contract = known.contract
    company = Xml.SubElement(root, "Company")
    ids = Xml.SubElement(company, "CoIds")
    _leaf(ids, "CoId", str(contract.conid), type="RepNo")
    _leaf(Xml.SubElement(company, "CoName"), "Name", contract.long_name, type="FullName")
    security = Xml.SubElement(Xml.SubElement(company, "SecurityInfo"), "Security", code="1")
    _leaf(Xml.SubElement(security, "SecIds"), "SecId", contract.symbol, type="TICKER", set="LOCAL")
    _leaf(security, "Exchange", contract.primary_exchange, code=contract.primary_exchange, set="R")
    info = Xml.SubElement(company, "CompanyInfo")
    year = known.years[0].fiscal_year + 1
    Xml.SubElement(info, "CurFiscalPeriod", fYear=str(year), fyem="12", periodType="A")
    _leaf(info, "Sector", contract.industry, code="", set="R")
    _leaf(info, "Currency", contract.currency, code=contract.currency, set="ISO")


def _span(parent: Xml.Element, period: Period) -> Xml.Element:
    attributes = {
        "fYear": str(period.fiscal_year),
        "endMonth": str(period.ends.month),
        "endCalYear": str(period.ends.year),
        "periodType": "Q" if period.quarter else "A",
    }
    numbered = {"periodNum": str(period.quarter)} if period.quarter else {}
    return Xml.SubElement(parent, "FYPeriod", attributes | numbered)


def _consensus(parent: Xml.Element, value: Decimal) -> None:
    for kind in ("High", "Low", "Mean", "Median"):
        _leaf(Xml.SubElement(parent, "ConsEstimate", type=kind), "ConsValue", _number(value), dateType="CURR")
    _leaf(Xml.SubElement(parent, "ConsEstimate", type="NumOfEst"), "ConsValue", "1", dateType="CURR")


def _calendar(known: Fundamentals) -> Xml.Element:
    """When the quarter under way will be reported."""
    contract = known.contract
    root = Xml.Element("WSHData")
    company = Xml.SubElement(root, "Company")
    _leaf(company, "Ticker", contract.symbol)
    _leaf(company, "Name", contract.long_name)
    coming, earnings = known.coming, Xml.SubElement(Xml.SubElement(root, "EarningsList"), "Earnings")
    _leaf(earnings, "Period", f"Q{coming.month // 3} {coming.year}")
    _leaf(earnings, "Date", str(coming + DELAY))
    return root


def _identity(root: Xml.Element, known: Fundamentals) -> None:
    contract = known.contract
    ids = Xml.SubElement(root, "CoIDs")
    _leaf(ids, "CoID", str(contract.conid), Type="RepNo")
    _leaf(ids, "CoID", contract.long_name, Type="CompanyName")
    issue = Xml.SubElement(Xml.SubElement(root, "Issues"), "Issue", ID="1", Type="C", Desc="Common Stock", Order="1")
    _leaf(issue, "IssueID", "Ordinary Shares", Type="Name")
    _leaf(issue, "IssueID", contract.symbol, Type="Ticker")
    if contract.isin:
        _leaf(issue, "IssueID", contract.isin, Type="ISIN")
    _leaf(issue, "Exchange", contract.primary_exchange, Code=contract.primary_exchange)


def _general(root: Xml.Element, known: Fundamentals) -> None:
    info = Xml.SubElement(root, "CoGeneralInfo")
    _leaf(info, "CoStatus", "Active", Code="1")
    _leaf(info, "CoType", "Equity Issue", Code="EQU")
    _leaf(info, "LatestAvailableAnnual", str(known.years[0].ends))
    _leaf(info, "LatestAvailableInterim", str(known.trailing.ends))
    _leaf(info, "Employees", str(known.employees), LastUpdated=str(known.years[0].ends))
    shares = {"Date": str(known.trailing.ends), "TotalFloat": f"{known.floating:.1f}"}
    _leaf(info, "SharesOut", f"{known.shares:.1f}", **shares)
    _leaf(info, "ReportingCurrency", known.contract.currency, Code=known.contract.currency)


def _ratios(root: Xml.Element, known: Fundamentals) -> None:
    currency, latest = known.contract.currency, str(known.trailing.ends)
    attributes = {"PriceCurrency": currency, "ReportingCurrency": currency, "ExchangeRate": "1.00000"}
    parent = Xml.SubElement(root, "Ratios", attributes | {"LatestAvailableDate": latest})
    for group, fields in ratios(known).items():
        rows = Xml.SubElement(parent, "Group", ID=group)
        for name, value in fields.items():
            _leaf(rows, "Ratio", _number(value), FieldName=name, Type="N")
        if group == "Price and Volume":
            _leaf(rows, "Ratio", f"{known.now:%Y-%m-%d}T00:00:00", FieldName="PDATE", Type="D")


def _forecast(root: Xml.Element, known: Fundamentals) -> None:
    year = known.years[0]
    parent = Xml.SubElement(
        root, "ForecastData", ConsensusType="Mean", CurFiscalYear=str(year.fiscal_year + 1), CurFiscalYearEndMonth="12"
    )
    earnings = year.earnings * (1 + known.growth)
    fields = {
        "TargetPrice": _target_price(known),
        "ProjLTGrowthRate": known.growth * 100,
        "ProjPE": known.price / earnings,
        "ProjSales": year.revenue * (1 + known.growth),
        "ProjEPS": earnings,
        "ProjProfit": year.income * (1 + known.growth),
    }
    for name, value in fields.items():
        ratio = Xml.SubElement(parent, "Ratio", FieldName=name, Type="N")
        _leaf(ratio, "Value", _number(value), PeriodType="CURR")


def _target_price(known: Fundamentals) -> Decimal:
    return known.price * (1 + known.growth)


def _leaf(parent: Xml.Element, tag: str, text: str, **attributes: str) -> None:
    Xml.SubElement(parent, tag, attributes).text = text


def _number(value: Decimal) -> str:
    return f"{value.quantize(_DIGITS):f}"


REPORTS: Final[Mapping[str, Callable[[Fundamentals], Xml.Element]]] = MappingProxyType(
    {
        "ReportSnapshot": _snapshot,
        "ReportsFinSummary": _summary,
        "ReportRatios": _only_ratios,
        "ReportsFinStatements": _statements,
        "RESC": _estimates,
        "CalendarReport": _calendar,
    }
)
