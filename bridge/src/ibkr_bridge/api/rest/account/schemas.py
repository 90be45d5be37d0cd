"""Shapes of the answers about accounts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

from pydantic import Field

from ibkr_bridge.api.contracts import EXAMPLE, ContractAnswer, contract_answer
from ibkr_bridge.api.json import JsonNumber, amount, money, number
from ibkr_bridge.domain.account import AccountFigure, AccountSummary, Pnl, Position, Seen

Stale = Annotated[str | None, Field(description="Why this may be out of date; null: it is not")]
AsOf = Annotated[datetime, Field(description="When IBKR last confirmed it")]


@dataclass(frozen=True, slots=True)
class Figure:
    """Text, because IBKR mixes numbers and words."""

    value: str
    currency: str
    account: str


@dataclass(frozen=True, slots=True)
class SummaryAnswer:
    """IBKR's figures by its own tags: NetLiquidation, TotalCashValue, BuyingPower ..."""

    account_summary: dict[str, Figure]
    account: str
    as_of: AsOf
    stale: Stale


@dataclass(frozen=True, slots=True)
class PlainPosition:
    """A position in IBKR's own spelling; `avgCost` in `currency`."""

    account: str
    symbol: str
    secType: str  # noqa: N815  IBKR's name
    currency: str
    position: JsonNumber
    avgCost: JsonNumber  # noqa: N815  IBKR's name
    conid: int
    exchange: str


@dataclass(frozen=True, slots=True)
class PlainPositionsAnswer:
    positions: tuple[PlainPosition, ...]
    as_of: AsOf
    stale: Stale


@dataclass(frozen=True, slots=True)
class PositionAnswer:
    """A position with its worth, in the contract's currency; null until IBKR has said."""

    account: str
    contract: ContractAnswer
    qty: JsonNumber
    avg_cost: JsonNumber
    market_price: JsonNumber | None
    market_value: JsonNumber | None
    daily_pnl: JsonNumber | None
    unrealized_pnl: JsonNumber | None
    realized_pnl: JsonNumber | None


@dataclass(frozen=True, slots=True)
class PositionsAnswer:
    positions: tuple[PositionAnswer, ...]
    next_cursor: str | None
    as_of: AsOf
    stale: Stale


@dataclass(frozen=True, slots=True)
class PnlAnswer:
    """Profit and loss in the account's base currency; null where IBKR has no figure."""

    account: str
    daily_pnl: JsonNumber | None
    unrealized_pnl: JsonNumber | None
    realized_pnl: JsonNumber | None
    as_of: AsOf
    stale: Stale


def summary_answer(seen: Seen[AccountSummary]) -> SummaryAnswer:
    figures: Mapping[str, AccountFigure] = seen.value.figures
    told = {tag: Figure(figure.value, figure.currency, figure.account) for tag, figure in figures.items()}
    return SummaryAnswer(told, seen.value.account, seen.as_of, seen.stale)


def plain_positions_answer(seen: Seen[tuple[Position, ...]]) -> PlainPositionsAnswer:
    return PlainPositionsAnswer(tuple(_plain_position(position) for position in seen.value), seen.as_of, seen.stale)


def _plain_position(position: Position) -> PlainPosition:
    contract = position.contract
    return PlainPosition(
        account=position.account,
        symbol=contract.symbol,
        secType=contract.sec_type,
        currency=contract.currency,
        position=number(position.qty),
        avgCost=money(position.avg_cost),
        conid=contract.conid,
        exchange=contract.exchange,
    )


def positions_answer(seen: Seen[tuple[Position, ...]]) -> PositionsAnswer:
    return PositionsAnswer(tuple(_position(position) for position in seen.value), None, seen.as_of, seen.stale)


def _position(position: Position) -> PositionAnswer:
    return PositionAnswer(
        account=position.account,
        contract=contract_answer(position.contract),
        qty=number(position.qty),
        avg_cost=money(position.avg_cost),
        market_price=amount(position.market_price),
        market_value=amount(position.market_value),
        daily_pnl=amount(position.daily_pnl),
        unrealized_pnl=amount(position.unrealized_pnl),
        realized_pnl=amount(position.realized_pnl),
    )


def pnl_answer(seen: Seen[Pnl]) -> PnlAnswer:
    pnl = seen.value
    return PnlAnswer(
        pnl.account, amount(pnl.daily), amount(pnl.unrealized), amount(pnl.realized), seen.as_of, seen.stale
    )


_AT = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)
_ACCOUNT = "DU123456"
SUMMARY = SummaryAnswer({"NetLiquidation": Figure("100000.00", "USD", _ACCOUNT)}, _ACCOUNT, _AT, None)
PLAIN_POSITIONS = PlainPositionsAnswer(
    (PlainPosition(_ACCOUNT, "AAPL", "STK", "USD", number(Decimal(100)), number(Decimal("150.50")), 265598, "NASDAQ"),),
    _AT,
    None,
)
POSITIONS = PositionsAnswer(
    (
        PositionAnswer(
            account=_ACCOUNT,
            contract=EXAMPLE,
            qty=number(Decimal(100)),
            avg_cost=number(Decimal("150.50")),
            market_price=number(Decimal("175.51")),
            market_value=number(Decimal("17551.00")),
            daily_pnl=number(Decimal("51.00")),
            unrealized_pnl=number(Decimal("2501.00")),
            realized_pnl=None,
        ),
    ),
    None,
    _AT,
    None,
)
PNL = PnlAnswer(_ACCOUNT, number(Decimal("51.00")), number(Decimal("2501.00")), number(Decimal(0)), _AT, None)
