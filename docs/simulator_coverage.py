"""The page of messages that tours have seen: which client, at which version, and why there are holes.

`tests/coverage/seen.json` holds what was seen; `tests/coverage/merge.py` writes it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

SEEN: Final = Path(__file__).resolve().parent.parent / "tests/coverage/seen.json"
VERSIONS: Final = (157, 176, 178, 193, 200)
CLIENTS: Final = {
    "ib_async": ("a", "ib_async 2.1.0", (157, 176, 178)),
    "ib_insync": ("i", "ib_insync 0.9.86", (157, 176)),
    "ibapi": ("o", "ibapi 9.81.1, IBKR's older client", (157,)),
    "nautilus-ibapi": ("n", "nautilus-ibapi 10.46.1, IBKR's present client", (176, 178, 193, 200)),
    "@stoqey/ib": ("s", "@stoqey/ib 1.6.10", (157, 178, 193)),
}
"""Letter, name, and the versions at which its tour is made."""
REQUESTS: Final = {
    1: "reqMktData",
    2: "cancelMktData",
    3: "placeOrder",
    4: "cancelOrder",
    5: "reqOpenOrders",
    6: "reqAccountUpdates",
    7: "reqExecutions",
    8: "reqIds",
    9: "reqContractDetails",
    10: "reqMktDepth",
    11: "cancelMktDepth",
    12: "reqNewsBulletins",
    13: "cancelNewsBulletins",
    14: "setServerLogLevel",
    15: "reqAutoOpenOrders",
    16: "reqAllOpenOrders",
    17: "reqManagedAccts",
    18: "requestFA",
    19: "replaceFA",
    20: "reqHistoricalData",
    21: "exerciseOptions",
    22: "reqScannerSubscription",
    23: "cancelScannerSubscription",
    24: "reqScannerParameters",
    25: "cancelHistoricalData",
    49: "reqCurrentTime",
    50: "reqRealTimeBars",
    51: "cancelRealTimeBars",
    52: "reqFundamentalData",
    53: "cancelFundamentalData",
    54: "calculateImpliedVolatility",
    55: "calculateOptionPrice",
    56: "cancelCalculateImpliedVolatility",
    57: "cancelCalculateOptionPrice",
    58: "reqGlobalCancel",
    59: "reqMarketDataType",
    61: "reqPositions",
    62: "reqAccountSummary",
    63: "cancelAccountSummary",
    64: "cancelPositions",
    67: "queryDisplayGroups",
    68: "subscribeToGroupEvents",
    69: "updateDisplayGroup",
    70: "unsubscribeFromGroupEvents",
    71: "startApi",
    74: "reqPositionsMulti",
    75: "cancelPositionsMulti",
    76: "reqAccountUpdatesMulti",
    77: "cancelAccountUpdatesMulti",
    78: "reqSecDefOptParams",
    79: "reqSoftDollarTiers",
    80: "reqFamilyCodes",
    81: "reqMatchingSymbols",
    82: "reqMktDepthExchanges",
    83: "reqSmartComponents",
    84: "reqNewsArticle",
    85: "reqNewsProviders",
    86: "reqHistoricalNews",
    87: "reqHeadTimestamp",
    88: "reqHistogramData",
    89: "cancelHistogramData",
    90: "cancelHeadTimestamp",
    91: "reqMarketRule",
    92: "reqPnL",
    93: "cancelPnL",
    94: "reqPnLSingle",
    95: "cancelPnLSingle",
    96: "reqHistoricalTicks",
    97: "reqTickByTickData",
    98: "cancelTickByTickData",
    99: "reqCompletedOrders",
    100: "reqWshMetaData",
    101: "cancelWshMetaData",
    102: "reqWshEventData",
    103: "cancelWshEventData",
    104: "reqUserInfo",
    105: "reqCurrentTimeInMillis",
}
ANSWERS: Final = {
    1: "tickPrice",
    2: "tickSize",
    3: "orderStatus",
    4: "error",
    5: "openOrder",
    6: "updateAccountValue",
    7: "updatePortfolio",
    8: "updateAccountTime",
    9: "nextValidId",
    10: "contractDetails",
    11: "execDetails",
    12: "updateMktDepth",
    13: "updateMktDepthL2",
    14: "updateNewsBulletin",
    15: "managedAccounts",
    16: "receiveFA",
    17: "historicalData",
    18: "bondContractDetails",
    19: "scannerParameters",
    20: "scannerData",
    21: "tickOptionComputation",
    45: "tickGeneric",
    46: "tickString",
    47: "tickEFP",
    49: "currentTime",
    50: "realtimeBar",
    51: "fundamentalData",
    52: "contractDetailsEnd",
    53: "openOrderEnd",
    54: "accountDownloadEnd",
    55: "execDetailsEnd",
    56: "deltaNeutralValidation",
    57: "tickSnapshotEnd",
    58: "marketDataType",
    59: "commissionReport",
    61: "position",
    62: "positionEnd",
    63: "accountSummary",
    64: "accountSummaryEnd",
    67: "displayGroupList",
    68: "displayGroupUpdated",
    71: "positionMulti",
    72: "positionMultiEnd",
    73: "accountUpdateMulti",
    74: "accountUpdateMultiEnd",
    75: "securityDefinitionOptionParameter",
    76: "securityDefinitionOptionParameterEnd",
    77: "softDollarTiers",
    78: "familyCodes",
    79: "symbolSamples",
    80: "mktDepthExchanges",
    81: "tickReqParams",
    82: "smartComponents",
    83: "newsArticle",
    84: "tickNews",
    85: "newsProviders",
    86: "historicalNews",
    87: "historicalNewsEnd",
    88: "headTimestamp",
    89: "histogramData",
    90: "historicalDataUpdate",
    91: "rerouteMktDataReq",
    92: "rerouteMktDepthReq",
    93: "marketRule",
    94: "pnl",
    95: "pnlSingle",
    96: "historicalTicks",
    97: "historicalTicksBidAsk",
    98: "historicalTicksLast",
    99: "tickByTick",
    100: "orderBound",
    101: "completedOrder",
    102: "completedOrdersEnd",
    103: "replaceFAEnd",
    104: "wshMetaData",
    105: "wshEventData",
    106: "historicalSchedule",
    107: "userInfo",
    108: "historicalDataEnd",
    109: "currentTimeInMillis",
}
SINCE: Final = {
    "in": {100: 161, 101: 161, 102: 161, 103: 161, 104: 167, 105: 197},
    "out": {104: 161, 105: 161, 106: 165, 107: 167, 108: 196, 109: 197},
}
"""The server version that brought a message; what is not named is older than every tour."""
HOLES: Final = {
    ("out", 47): "There are no exchange-for-physical contracts.",
    ("out", 104): "No subscription to corporate events: the request is refused with 10276.",
    ("out", 105): "As 104.",
}
"""Messages that no tour can see, and why."""
HEAD: Final = """\
Unmodified third-party clients make tours of the TWS door in the tests. Each makes every call below that it has, and
what it is answered is compared, field by field, with the exchange's books, its record of prices and its catalogue. What
crosses the door is noted, frame by frame. This page is made from those notes, not from the simulator's source, and a
tour that no longer sees what stands here fails.
"""
READ: Final = """\
A cell names the clients, by their letters, for which the message has crossed at that server version. `-`: the version
has no such message. Empty: a hole; each is explained below. A letter that is missing beside others is a client that has
no such call or does not come at this version. Between these versions the layouts are judged by tests of the door
itself, at every version from 157 to 200.
"""

Table = Callable[[Iterable[str], Iterable[Iterable[object]]], str]
Sightings = Mapping[tuple[str, int, int], frozenset[str]]


def sightings() -> Sightings:
    """The clients' letters, by direction, message number and version."""
    found: dict[tuple[str, int, int], set[str]] = defaultdict(set)
    for claims in json.loads(SEEN.read_text(encoding="utf-8")).values():
        letter = CLIENTS[claims["client"]][0]
        for key, numbers in claims.items():
            if key != "client":
                version, direction = key.split()
                for number in numbers.split():
                    found[direction, int(number), int(version)].add(letter)
    return {key: frozenset(letters) for key, letters in found.items()}


def parts(table: Table) -> Iterator[str]:
    """Raises KeyError for a message that no tour has seen and nobody has explained."""
    seen = sightings()
    yield HEAD
    rows = [(letter, name, ", ".join(map(str, versions))) for letter, name, versions in CLIENTS.values()]
    yield table(("Letter", "Client", "Server versions"), rows)
    yield READ
    for title, direction, names in (
        ("From the client", "in", REQUESTS),
        ("To the client", "out", ANSWERS),
    ):
        yield f"## {title}\n"
        head = ("Number", "Message", *map(str, VERSIONS))
        yield table(head, ((number, f"`{name}`", *_cells(seen, direction, number)) for number, name in names.items()))
    yield "## Holes\n"
    yield table(("Number", "Message", "Where", "Why"), _holes(seen))


def _cells(seen: Sightings, direction: str, number: int) -> Iterator[str]:
    for version in VERSIONS:
        told = "".join(sorted(seen.get((direction, number, version), ())))
        yield told or ("-" if version < SINCE[direction].get(number, 0) else " ")


def _holes(seen: Sightings) -> Iterator[tuple[object, ...]]:
    for direction, names in (("in", REQUESTS), ("out", ANSWERS)):
        for number, name in names.items():
            empty = [
                str(version)
                for version, cell in zip(VERSIONS, _cells(seen, direction, number), strict=True)
                if cell == " "
            ]
            if empty:
                yield number, f"`{name}`", ", ".join(empty), HOLES[direction, number]
