"""Option chains: months, strikes, contracts and their prices, by a path each (Web API v1.0, "Contract")."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, Final

import structlog

from ibkr_bridge.domain.contract import Contract
from ibkr_bridge.domain.errors import BridgeError, BrokerRefused, InvalidRequest
from ibkr_bridge.domain.local_symbols import of_option
from ibkr_bridge.ports.clock import Clock
from ibkr_bridge.ports.research import OptionFigures, OptionQuote, OptionSeries, OptionWish, Right
from ibkr_bridge.upstream.gathering import all_of
from ibkr_bridge.upstream.webapi import translate
from ibkr_bridge.upstream.webapi.translate import MONTHS, Row
from ibkr_bridge.upstream.webapi.wire import Wire

log = structlog.get_logger()
MOST_QUOTED: Final = 50
"""Options of one answer: each is a call of its own to find, a market data line, and a call to give it back."""
_SNAPSHOT: Final = "/iserver/marketdata/snapshot"
_LOOKS: Final = 4
"""Greeks come some looks after the prices."""
_FIELDS: Final[Mapping[str, str]] = {
    "84": "bid",
    "88": "bid_size",
    "86": "ask",
    "85": "ask_size",
    "31": "last",
    "7741": "close",
    "7762": "volume",
    "7638": "open_interest",
    "7308": "delta",
    "7309": "gamma",
    "7310": "theta",
    "7311": "vega",
    "7633": "implied_volatility",
}
"""Web API v1.0, "Market Data Fields"."""
_PERCENT: Final = Decimal(100)


class Options:
    def __init__(self, wire: Wire, clock: Clock) -> None:
        self._wire = wire
        self._clock = clock

    async def series(self, underlying: Contract) -> Sequence[OptionSeries]:
        """One call for the months, and two for each of them: the days are told by the contracts alone."""
        months = await self._months(underlying)
        found: dict[tuple[str, str], list[OptionSeries]] = {}
        for listed in await all_of([self._of_month(underlying, month) for month in months]):
            for series in listed:
                found.setdefault((series.trading_class, series.exchange), []).append(series)
        return [_joined(parts) for parts in found.values()]

    async def _of_month(self, underlying: Contract, month: str) -> list[OptionSeries]:
        strikes = await self._strikes(underlying, month)
        if not strikes:
            return []
        found = []
        rows = await self._contracts(underlying, month, strikes[len(strikes) // 2], Right.CALL)
        for (trading_class, exchange), listed in _by_class(rows).items():
            days = {day for row in listed if (day := translate.day(row.get("maturityDate"))) is not None}
            multiplier = translate.decimal(listed[0].get("multiplier"))
            found.append(OptionSeries(exchange, trading_class, multiplier, tuple(sorted(days)), strikes))
        return found

    async def chain(self, underlying: Contract, wish: OptionWish) -> Sequence[OptionQuote]:
        """Raises InvalidRequest for more options than one answer may have."""
        month = f"{MONTHS[wish.expiry.month - 1]}{wish.expiry:%y}"
        await self._months(underlying)
        listed = await self._strikes(underlying, month)
        strikes = [strike for strike in listed if not wish.strikes or strike in wish.strikes]
        rights = [wish.right] if wish.right else list(Right)
        if len(strikes) * len(rights) > MOST_QUOTED:
            raise InvalidRequest(
                f"{len(strikes) * len(rights)} options are meant; one answer has {MOST_QUOTED}.", field="strikes"
            )
        asked = [self._listed(underlying, wish.expiry, month, strike, right) for strike in strikes for right in rights]
        found = [option for options in await all_of(asked) for option in options]
        return await self._quoted(found[:MOST_QUOTED])

    async def _listed(
        self, underlying: Contract, expiry: date, month: str, strike: Decimal, right: Right
    ) -> list[OptionQuote]:
        """Those of one day: a month has several, and one day may have two trading classes."""
        rows = await self._contracts(underlying, month, strike, right)
        return [
            OptionQuote(_contract(row, underlying), expiry, strike, right)
            for row in rows
            if translate.day(row.get("maturityDate")) == expiry and row.get("right", right) == right
        ]

    async def _months(self, underlying: Contract) -> list[str]:
        """IBKR answers nothing about options before the symbol has been searched for."""
        told = await self._wire.read("/iserver/secdef/search", {"symbol": underlying.symbol})
        row = next((row for row in translate.rows(told) if translate.integer(row.get("conid")) == underlying.conid), {})
        options = (part for part in translate.rows(row.get("sections")) if part.get("secType") == "OPT")
        months = (str(part.get("months") or "").split(";") for part in options)
        return list(dict.fromkeys(month for several in months for month in several if month))

    async def _strikes(self, underlying: Contract, month: str) -> tuple[Decimal, ...]:
        query = {"conid": str(underlying.conid), "sectype": "OPT", "month": month, "exchange": "SMART"}
        told = translate.mapping(await self._wire.read("/iserver/secdef/strikes", query))
        sides = (told.get(side) for side in ("call", "put"))
        numbers = (translate.decimal(strike) for side in sides if isinstance(side, list) for strike in side)
        return tuple(sorted({number for number in numbers if number is not None}))

    async def _contracts(self, underlying: Contract, month: str, strike: Decimal, right: Right) -> list[dict[str, Any]]:
        """Every expiry of the month; none is an answer too."""
        query = {"conid": str(underlying.conid), "sectype": "OPT", "month": month, "exchange": "SMART"}
        try:
            told = await self._wire.read(
                "/iserver/secdef/info", {**query, "strike": format(strike, "f"), "right": right.value}
            )
        except BrokerRefused as refused:
            if refused.ibkr_code in (400, 404):
                return []
            raise
        return [row for row in translate.rows(told) if row.get("conid")]

    async def _quoted(self, options: Sequence[OptionQuote]) -> Sequence[OptionQuote]:
        """The first looks open the lines, and later ones have more in them; then the lines are given back."""
        if not options:
            return options
        conids = [option.contract.conid for option in options]
        told: dict[int, dict[str, Decimal]] = {conid: {} for conid in conids}
        query = {"conids": ",".join(map(str, conids)), "fields": ",".join(_FIELDS)}
        try:
            for look in range(_LOOKS):
                if look:
                    await self._clock.sleep(self._wire.settings.step)
                for row in translate.rows(await self._wire.read(_SNAPSHOT, query)):
                    told.get(translate.integer(row.get("conid")), {}).update(_values(row))
                if all("delta" in values for values in told.values()):
                    break
        finally:
            await self._give_back(conids)
        return [replace(option, figures=OptionFigures(**told[option.contract.conid])) for option in options]

    async def _give_back(self, conids: Sequence[int]) -> None:
        for conid in conids:
            try:
                await self._wire.write("POST", "/iserver/marketdata/unsubscribe", {"conid": conid}, order=False)
            except BridgeError as problem:
                log.debug("a quote line could not be closed", conid=conid, detail=problem.detail)


def _by_class(rows: Iterable[Row]) -> dict[tuple[str, str], list[Row]]:
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        found.setdefault((str(row.get("tradingClass") or ""), str(row.get("exchange") or "")), []).append(row)
    return found


def _joined(parts: Sequence[OptionSeries]) -> OptionSeries:
    days = sorted({day for part in parts for day in part.expiries})
    strikes = sorted({strike for part in parts for strike in part.strikes})
    return replace(parts[0], expiries=tuple(days), strikes=tuple(strikes))


def _contract(row: Row, underlying: Contract) -> Contract:
    currency = str(row.get("currency") or underlying.currency)
    return Contract(
        conid=translate.integer(row.get("conid")),
        symbol=str(row.get("symbol") or underlying.symbol),
        sec_type="OPT",
        exchange=str(row.get("exchange") or "SMART"),
        currency=currency,
        local_symbol=_local_symbol(row, currency),
        trading_class=str(row.get("tradingClass") or ""),
        multiplier=translate.decimal(row.get("multiplier")),
    )


def _local_symbol(row: Row, currency: str) -> str:
    """A row has none; in the US it follows from the rest, as the exchanges make it."""
    parts = str(row.get("tradingClass") or ""), translate.day(row.get("maturityDate")), str(row.get("right") or "")
    made = of_option(*parts, translate.decimal(row.get("strike"))) if currency == "USD" else ""
    return made or str(row.get("desc2") or "")


def _values(row: Row) -> dict[str, Decimal]:
    found = {name: translate.decimal(row.get(code)) for code, name in _FIELDS.items()}
    known = {name: value for name, value in found.items() if value is not None}
    if "implied_volatility" in known:
        known["implied_volatility"] /= _PERCENT
    return known
