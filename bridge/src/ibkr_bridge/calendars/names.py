"""IBKR's and everyday names of exchanges, and the calendar that keeps their hours."""

from __future__ import annotations

from types import MappingProxyType

CALENDARS = MappingProxyType(
    {
        # United States
        "NYSE": "XNYS",
        "NASDAQ": "XNAS",
        "ISLAND": "XNAS",
        "ARCA": "ARCX",
        "AMEX": "XASE",
        "BATS": "BATS",
        "IEX": "XNYS",
        "PINK": "OOTC",
        "CBOE": "XNYS",
        "CFE": "XCBF",
        "CME": "CMES",
        "GLOBEX": "CMES",
        "CBOT": "CMES",
        "ECBOT": "CMES",
        "NYMEX": "CMES",
        "COMEX": "CMES",
        "ICEUS": "IEPA",
        "NYBOT": "IEPA",
        # the rest of America; IBKR calls Toronto TSE and Tokyo TSEJ
        "TSE": "XTSE",
        "TSX": "XTSE",
        "VENTURE": "XTSX",
        "MEXI": "XMEX",
        # Europe
        "SIX": "XSWX",
        "EBS": "XSWX",
        "LSE": "XLON",
        "LSEETF": "XLON",
        "XETRA": "XETR",
        "IBIS": "XETR",
        "IBIS2": "XETR",
        "FWB": "XFRA",
        "FWB2": "XFRA",
        "SWB": "XSTU",
        "EUREX": "XEUR",
        "SBF": "XPAR",
        "AEB": "XAMS",
        "ENEXT.BE": "XBRU",
        "BVL": "XLIS",
        "BVME": "XMIL",
        "BM": "XMAD",
        "VSE": "XWBO",
        "SFB": "XSTO",
        "CPH": "XCSE",
        "HEX": "XHEL",
        "OSE": "XOSL",
        "WSE": "XWAR",
        "BUX": "XBUD",
        "PRA": "XPRA",
        "TASE": "XTAE",
        # Asia and the Pacific
        "TSEJ": "XTKS",
        "JPX": "XTKS",
        "SEHK": "XHKG",
        "HKEX": "XHKG",
        "SEHKNTL": "XSHG",
        "SGX": "XSES",
        "ASX": "XASX",
        "NSE": "XBOM",
        "KSE": "XKRX",
        "KRX": "XKRX",
        # crypto; the currency market's week has no calendar in the library
        "PAXOS": "24/7",
    }
)
"""IBKR's listing of exchanges, and ISO 10383 codes. Hours of futures lack the daily maintenance break."""
