"""IBKR's present client on a string: every line of standard input calls its EClient, every callback is a line out.

It is a process of its own because its module has the name of the older client's, which the same tests run.
"""

from __future__ import annotations

import json
import logging
import math
import sys
import threading
from collections.abc import ItemsView
from decimal import Decimal
from enum import Enum
from importlib import import_module
from typing import Any

HOMES = {
    "Contract": "contract",
    "ComboLeg": "contract",
    "Order": "order",
    "OrderCancel": "order_cancel",
    "ExecutionFilter": "execution",
    "ScannerSubscription": "scanner",
    "TagValue": "tag_value",
    "WshEventData": "common",
}
DECIMALS = frozenset({"totalQuantity"})
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
    *("execDetails", "execDetailsEnd", "commissionAndFeesReport", "deltaNeutralValidation", "softDollarTiers"),
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


def built(value: Any) -> Any:
    if isinstance(value, list):
        return [built(one) for one in value]
    if not isinstance(value, dict):
        return value
    made = getattr(import_module(f"ibapi.{HOMES[value['class']]}"), value["class"])()
    for name, field in value["fields"].items():
        setattr(made, name, Decimal(str(field)) if name in DECIMALS else built(field))
    return made


def plain(value: Any) -> Any:
    """What JSON can say of it."""
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, dict):
        value = value.items()
    if isinstance(value, list | tuple | set | ItemsView):
        return [plain(one) for one in value]
    if hasattr(value, "__dict__"):
        return {name: plain(one) for name, one in vars(value).items()}
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def client() -> Any:
    """It says every callback's arguments on standard output."""
    pipe, lock = sys.stdout, threading.Lock()
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


def read(app: Any) -> None:
    try:
        app.run()
    except TypeError:  # it asks for its own version once more after disconnect has cleared it
        if app.isConnected():
            raise


def main() -> None:
    logging.disable()
    port, client_id = map(int, sys.argv[1:])
    app = client()
    app.connect("127.0.0.1", port, client_id)
    print(json.dumps(["server", [app.serverVersion()]]), flush=True)  # noqa: T201
    reading = threading.Thread(target=read, args=(app,), daemon=True)
    reading.start()
    for line in sys.stdin:
        call, given = json.loads(line)
        getattr(app, call)(*map(built, given))
    app.disconnect()
    reading.join(5)


if __name__ == "__main__":
    main()
