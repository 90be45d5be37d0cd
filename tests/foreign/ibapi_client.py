"""IBKR's client on a string: every line of standard input calls its EClient, every callback is a line out.

It is a process of its own because the present client's module has the name of the older one's, and both are run.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
from decimal import Decimal
from functools import partial
from importlib import import_module
from typing import Any

from line_speech import built, plain  # type: ignore[import-not-found]  # beside this file, which runs as a script

DECIMALS = frozenset({"totalQuantity"})
HOMES = {
    "Contract": "contract",
    "ComboLeg": "contract",
    "DeltaNeutralContract": "contract",
    "Order": "order",
    "OrderCancel": "order_cancel",
    "ExecutionFilter": "execution",
    "ScannerSubscription": "scanner",
    "TagValue": "tag_value",
    "WshEventData": "common",
    **dict.fromkeys(("PriceCondition", "TimeCondition", "MarginCondition", "ExecutionCondition"), "order_condition"),
    **dict.fromkeys(("VolumeCondition", "PercentChangeCondition"), "order_condition"),
}
CALLBACKS = (
    *(
        "error",
        "connectAck",
        "connectionClosed",
        "nextValidId",
        "managedAccounts",
        "currentTime",
        "currentTimeInMillis",
    ),
    *("contractDetails", "bondContractDetails", "contractDetailsEnd", "symbolSamples", "marketRule", "familyCodes"),
    *("tickPrice", "tickSize", "tickString", "tickGeneric", "tickEFP", "tickOptionComputation", "tickReqParams"),
    *("tickSnapshotEnd", "marketDataType", "rerouteMktDataReq", "rerouteMktDepthReq", "tickNews", "userInfo"),
    *("openOrder", "orderStatus", "openOrderEnd", "orderBound", "completedOrder", "completedOrdersEnd"),
    *(
        "execDetails",
        "execDetailsEnd",
        "commissionReport",
        "commissionAndFeesReport",
        "deltaNeutralValidation",
        "softDollarTiers",
    ),
    *("position", "positionEnd", "positionMulti", "positionMultiEnd", "pnl", "pnlSingle"),
    *("accountSummary", "accountSummaryEnd", "accountUpdateMulti", "accountUpdateMultiEnd"),
    *("updateAccountValue", "updatePortfolio", "updateAccountTime", "accountDownloadEnd"),
    *("historicalData", "historicalDataEnd", "historicalDataUpdate", "historicalSchedule", "realtimeBar"),
    *("historicalTicks", "historicalTicksBidAsk", "historicalTicksLast", "headTimestamp", "histogramData"),
    *("tickByTickAllLast", "tickByTickBidAsk", "tickByTickMidPoint", "updateMktDepth", "updateMktDepthL2"),
    *("mktDepthExchanges", "smartComponents", "securityDefinitionOptionParameter"),
    *("securityDefinitionOptionParameterEnd", "scannerParameters", "scannerData", "scannerDataEnd"),
    *("newsProviders", "newsArticle", "historicalNews", "historicalNewsEnd", "updateNewsBulletin"),
    *("displayGroupList", "displayGroupUpdated", "receiveFA", "replaceFAEnd", "fundamentalData"),
    *("wshMetaData", "wshEventData"),
)


def an(name: str, fields: dict[str, Any], *, decimals: bool) -> Any:
    """An object of one of the client's classes; the present client wants a quantity exact."""
    made = getattr(import_module(f"ibapi.{HOMES[name]}"), name)()
    for field, value in fields.items():
        setattr(made, field, Decimal(str(value)) if decimals and field in DECIMALS else value)
    return made


def client(lock: threading.Lock) -> Any:
    """It says every callback's arguments on standard output, each with the lock."""
    pipe = sys.stdout
    eclient, wrapper = import_module("ibapi.client").EClient, import_module("ibapi.wrapper").EWrapper

    def teller(name: str) -> Any:
        def tell(_self: Any, *arguments: Any) -> None:
            with lock:
                pipe.write(f"{json.dumps([name, plain(arguments)])}\n")
                pipe.flush()

        return tell

    class Told(wrapper, eclient):  # type: ignore[misc, valid-type]
        def __init__(self) -> None:
            eclient.__init__(self, self)

    for name in CALLBACKS:
        setattr(Told, name, teller(name))
    return Told()


def main() -> None:
    logging.disable()
    port, client_id = map(int, sys.argv[1:])
    lock = threading.Lock()
    app = client(lock)
    make = partial(an, decimals=hasattr(import_module("ibapi.wrapper").EWrapper, "commissionAndFeesReport"))
    app.connect("127.0.0.1", port, client_id)
    print(json.dumps(["server", [app.serverVersion()]]), flush=True)  # noqa: T201
    threading.Thread(target=app.run, daemon=True).start()
    for line in sys.stdin:
        call, given = json.loads(line)
        getattr(app, call)(*(built(value, make) for value in given))
    with lock:
        sys.stdout.flush()
        os._exit(0)  # the client's own goodbye takes a second


if __name__ == "__main__":
    main()
