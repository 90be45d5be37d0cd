"""Market data by numbered field (Web API: "Market Data Fields"); what is not known is left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from ibkr_sim.exchange.model import Contract, Position, Quote
from ibkr_sim.webapi.numbers import abbreviated, grouped, milliseconds, price, quantity
from ibkr_sim.webapi.settings import Entitlement

AVAILABILITY: Final[Mapping[Entitlement, str]] = MappingProxyType({Entitlement.LIVE: "RpB", Entitlement.DELAYED: "DPB"})
SERVICES: Final = "&serviceID1=122&serviceID2=123&serviceID3=203&serviceID4=775&serviceID5=204&serviceID6=206"
_CENT: Final = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class View:
    """All that a field may show: the quote, the contract, and the position of the selected account.

    `computed` are fields whose values were found out elsewhere.
    """

    contract: Contract
    quote: Quote
    position: Position | None = None
    computed: Mapping[str, str] = field(default_factory=dict)

    @property
    def reference(self) -> Decimal | None:
        """The last price; for a currency pair, which has none, the middle of its quote."""
        if self.quote.last is not None or self.quote.bid is None or self.quote.ask is None:
            return self.quote.last
        return (self.quote.bid + self.quote.ask) / 2

    @property
    def mark(self) -> Decimal | None:
        """The last price, kept between bid and ask."""
        last, bid, ask = self.quote.last, self.quote.bid, self.quote.ask
        if last is None or bid is None or ask is None:
            return self.reference
        return min(max(last, bid), ask)


Reader = Callable[[View], Any]


def _price(read: Callable[[View], Decimal | None]) -> Reader:
    def shown(view: View) -> str | None:
        value = read(view)
        return None if value is None else price(value, view.contract)

    return shown


def _size(read: Callable[[Quote], Decimal | None]) -> Reader:
    def shown(view: View) -> str | None:
        value = read(view.quote)
        return None if value is None else grouped(value)

    return shown


def _held(read: Callable[[Position], Decimal]) -> Reader:
    def shown(view: View) -> str | None:
        return None if view.position is None else f"{read(view.position).quantize(_CENT)}"

    return shown


def _change(view: View) -> str | None:
    last, close = view.reference, view.quote.close
    return None if last is None or close is None else f"{last - close:+.2f}".lstrip("+")


def _change_percent(view: View) -> str | None:
    last, close = view.reference, view.quote.close
    return None if last is None or not close else f"{(last - close) / close * 100:.2f}%"


def _since_open(view: View) -> str | None:
    last, opened = view.reference, view.quote.open
    return None if last is None or opened is None else f"{last - opened:.2f}"


def _venue(view: View) -> str:
    return {"NASDAQ": "Q", "NYSE": "N", "ARCA": "P"}.get(view.contract.primary_exchange, "Q")


def _last_day(view: View) -> str | None:
    return None if view.contract.expiry is None else f"{view.contract.expiry:%Y%m%d}"


FIELDS: Final[Mapping[str, Reader]] = MappingProxyType(
    {
        "31": _price(lambda view: view.quote.last),
        "55": lambda view: view.contract.symbol,
        "58": lambda view: view.contract.long_name,
        "70": _price(lambda view: view.quote.high),
        "71": _price(lambda view: view.quote.low),
        "73": _held(lambda held: held.market_value),
        "74": _held(lambda held: held.average_cost),
        "75": _held(lambda held: held.unrealized_pnl),
        "76": lambda view: None if view.position is None else quantity(view.position.quantity),
        "77": _held(lambda held: held.unrealized_pnl),
        "78": _held(lambda held: held.daily_pnl),
        "79": _held(lambda held: held.realized_pnl),
        "82": _change,
        "83": _change_percent,
        "84": _price(lambda view: view.quote.bid),
        "85": _size(lambda quote: quote.ask_size),
        "86": _price(lambda view: view.quote.ask),
        "87": lambda view: abbreviated(view.quote.volume),
        "88": _size(lambda quote: quote.bid_size),
        "201": lambda view: view.contract.right or None,
        "6004": lambda view: view.contract.valid_exchanges[0],
        "6008": lambda view: view.contract.conid,
        "6070": lambda view: view.contract.sec_type,
        "6457": lambda view: view.contract.under_conid or None,
        "7051": lambda view: view.contract.long_name,
        "7057": _venue,
        "7058": _venue,
        "7059": _size(lambda quote: quote.last_size),
        "7068": _venue,
        "7094": lambda view: f"{view.contract.conid}@{view.contract.valid_exchanges[0]}",
        "7184": lambda _view: "1",
        "7219": lambda view: view.contract.local_symbol,
        "7220": lambda view: view.contract.local_symbol,
        "7221": lambda view: view.contract.primary_exchange,
        "7280": lambda view: view.contract.industry or None,
        "7281": lambda view: view.contract.category or None,
        "7292": _held(lambda held: held.average_cost * held.quantity),
        "7295": _price(lambda view: view.quote.open),
        "7296": _price(lambda view: view.reference),
        "7635": _price(lambda view: view.mark),
        "7682": _since_open,
        "7714": _last_day,
        "7741": _price(lambda view: view.quote.close),
        "7762": lambda view: f"{view.quote.volume:.0f}",
        "7768": lambda _view: "1",
        "7920": _held(lambda held: held.daily_pnl),
        "7921": _held(lambda held: held.average_cost * held.quantity),
    }
)


def identity(conid: int) -> dict[str, Any]:
    """All that a first call tells."""
    return {"conidEx": str(conid), "conid": conid}


def values(view: View, fields: Iterable[str]) -> dict[str, Any]:
    """In the order of `fields`."""
    shown = {name: FIELDS[name](view) if name in FIELDS else view.computed.get(name) for name in fields}
    return {name: value for name, value in shown.items() if value is not None}


def snapshot(view: View, fields: Iterable[str], server_id: str, entitlement: Entitlement) -> dict[str, Any]:
    return {
        "_updated": milliseconds(view.quote.time),
        **identity(view.contract.conid),
        "server_id": server_id,
        "6119": server_id,
        "6509": AVAILABILITY[entitlement],
        "6508": SERVICES,
        **values(view, fields),
    }


def streamed(values_: Mapping[str, Any], view: View) -> dict[str, Any]:
    """Fields as the WebSocket writes them: the change in percent is a number, the volume comes twice."""
    told = dict(values_)
    if "83" in told:
        told["83"] = float(str(told["83"]).rstrip("%"))
    if "87" in told:
        told["87_raw"] = float(view.quote.volume)
    return told
