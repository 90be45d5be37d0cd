"""The contracts on offer: facts only. Conids and ISINs are the real ones unless in the simulator's own range."""

from __future__ import annotations

from typing import NamedTuple

OWN_CONIDS = range(900_000_001, 900_001_000)
"""Conids of the simulator's own making: the contract is invented, or its real conid is not known for certain."""


class Share(NamedTuple):
    """A stock or a fund (IBKR's security type is STK for both)."""

    conid: int
    symbol: str
    long_name: str
    primary_exchange: str
    reference: str
    """A price near that of late 2025."""
    isin: str
    sector: str = ""
    """Industry, category and subcategory, as far as IBKR gives them."""
    stock_type: str = "COMMON"
    min_tick: str = "0.01"

    @property
    def currency(self) -> str:
        return {"EBS": "CHF", "MEXI": "MXN"}.get(self.primary_exchange, "USD")


class Pair(NamedTuple):
    """A currency pair at IDEALPRO."""

    conid: int
    base: str
    quote: str
    long_name: str
    reference: str
    min_tick: str = "0.00005"


TECHNOLOGY = (
    Share(265598, "AAPL", "APPLE INC", "NASDAQ", "270", "US0378331005", "Technology/Computers/Computers"),
    Share(272093, "MSFT", "MICROSOFT CORP", "NASDAQ", "500", "US5949181045", "Technology/Software/Applications"),
    Share(8314, "IBM", "INTL BUSINESS MACHINES CORP", "NYSE", "305", "US4592001014", "Technology/Computers/Services"),
    Share(4815747, "NVDA", "NVIDIA CORP", "NASDAQ", "185", "US67066G1040", "Technology/Semiconductors/Chips"),
    Share(270639, "INTC", "INTEL CORP", "NASDAQ", "37", "US4581401001", "Technology/Semiconductors/Chips"),
    Share(4391, "AMD", "ADVANCED MICRO DEVICES", "NASDAQ", "240", "US0079031078", "Technology/Semiconductors/Chips"),
    Share(268084, "CSCO", "CISCO SYSTEMS INC", "NASDAQ", "75", "US17275R1023", "Communications/Telecom/Networking"),
)

INTERNET = (
    Share(
        107113386,
        "META",
        "META PLATFORMS INC-CLASS A",
        "NASDAQ",
        "630",
        "US30303M1027",
        "Communications/Internet/Media",
    ),
    Share(208813720, "GOOG", "ALPHABET INC-CL C", "NASDAQ", "290", "US02079K1079", "Communications/Internet/Portals"),
    Share(208813719, "GOOGL", "ALPHABET INC-CL A", "NASDAQ", "289", "US02079K3059", "Communications/Internet/Portals"),
    Share(3691937, "AMZN", "AMAZON.COM INC", "NASDAQ", "230", "US0231351067", "Communications/Internet/Commerce"),
    Share(15124833, "NFLX", "NETFLIX INC", "NASDAQ", "110", "US64110L1061", "Communications/Internet/Content"),
)

ESTABLISHED = (
    Share(76792991, "TSLA", "TESLA INC", "NASDAQ", "430", "US88160R1014", "Consumer, Cyclical/Auto/Cars"),
    Share(1520593, "JPM", "JPMORGAN CHASE & CO", "NYSE", "305", "US46625H1005", "Financial/Banks/Diversified"),
    Share(8894, "KO", "COCA-COLA CO/THE", "NYSE", "70", "US1912161007", "Consumer, Non-cyclical/Beverages/Drinks"),
    Share(6459, "DIS", "WALT DISNEY CO/THE", "NYSE", "108", "US2546871060", "Communications/Media/Multimedia"),
    Share(13977, "XOM", "EXXON MOBIL CORP", "NYSE", "117", "US30231G1022", "Energy/Oil&Gas/Integrated"),
    Share(13824, "WMT", "WALMART INC", "NASDAQ", "103", "US9311421039", "Consumer, Cyclical/Retail/Discount"),
    Share(49462172, "V", "VISA INC-CLASS A SHARES", "NYSE", "335", "US92826C8394", "Financial/Finance/Payments"),
    Share(900000001, "ROG", "ROGERS CORP", "NYSE", "82", "US7751331015", "Technology/Electronics/Components"),
)

FUNDS = (
    Share(756733, "SPY", "SPDR S&P 500 ETF TRUST", "ARCA", "670", "US78462F1030", stock_type="ETF"),
    Share(320227571, "QQQ", "INVESCO QQQ TRUST SERIES 1", "NASDAQ", "610", "US46090E1038", stock_type="ETF"),
    Share(900000002, "IWM", "ISHARES RUSSELL 2000 ETF", "ARCA", "240", "US4642876555", stock_type="ETF"),
    Share(900000003, "GLD", "SPDR GOLD SHARES", "ARCA", "380", "US78463V1070", stock_type="ETF"),
    Share(900000004, "TLT", "ISHARES 20+ YEAR TREASURY BD", "NASDAQ", "89", "US4642874329", stock_type="ETF"),
    Share(900000005, "VOO", "VANGUARD S&P 500 ETF", "ARCA", "615", "US9229083632", stock_type="ETF"),
)

ABROAD = (
    Share(38708077, "AAPL", "APPLE INC", "MEXI", "4950", "US0378331005", "Technology/Computers/Computers"),
    Share(
        900000006,
        "NESN",
        "NESTLE SA-REG",
        "EBS",
        "79",
        "CH0038863350",
        "Consumer, Non-cyclical/Food/Food",
        min_tick="0.02",
    ),
    Share(900000007, "UBSG", "UBS GROUP AG-REG", "EBS", "30.50", "CH0244767585", "Financial/Banks/Banks"),
    Share(
        900000008,
        "ROG",
        "ROCHE HOLDING AG-GENUSSCHEIN",
        "EBS",
        "300",
        "CH0012032048",
        "Consumer, Non-cyclical/Pharma/Drugs",
        min_tick="0.1",
    ),
)

INVENTED = (
    Share(900000009, "TWIN", "TWIN HARBOR INDUSTRIES INC", "NYSE", "40", "", "Industrial/Machinery/Tools"),
    Share(900000010, "TWIN", "TWIN PEAKS NETWORKS INC", "NASDAQ", "25", "", "Technology/Software/Networks"),
)

SHARES = (*TECHNOLOGY, *INTERNET, *ESTABLISHED, *FUNDS, *ABROAD, *INVENTED)

# Crosses stand before the dollar pairs: a step takes contracts in this order, and a cross that fills is converted
# at dollar rates that must not depend on whether anybody watches the dollar pairs.
PAIRS = (
    Pair(12087817, "EUR", "CHF", "European Monetary Union Euro", "0.928"),
    Pair(12087807, "EUR", "GBP", "European Monetary Union Euro", "0.87875"),
    Pair(12087792, "EUR", "USD", "European Monetary Union Euro", "1.16"),
    Pair(12087820, "USD", "CHF", "United States dollar", "0.80"),
    Pair(12087797, "GBP", "USD", "British pound", "1.32"),
    Pair(15016059, "USD", "JPY", "United States dollar", "155.00", "0.005"),
    Pair(14433401, "AUD", "USD", "Australian dollar", "0.65"),
    Pair(15016062, "USD", "CAD", "United States dollar", "1.40"),
)
