"""One client's account updates, account summaries and positions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from ibkr_sim.exchange.model import AccountValue, Position
from ibkr_sim.exchange.port import Market
from ibkr_sim.tws.answers import accounts as answers
from ibkr_sim.tws.feeds.summary import summary_rows
from ibkr_sim.tws.outlet import Outlet

REFRESH: Final = timedelta(minutes=3)
"""Account values and summaries are sent again every three minutes ("Account Updates" in the documentation)."""

Shown = dict[tuple[str, str, str], str]


@dataclass(frozen=True, slots=True)
class Multi:
    """A subscription by request id: which account, and the model it asked under."""

    account: str
    model: str
    ledger_only: bool = False


@dataclass(slots=True)
class _Summary:
    tags: tuple[str, ...]
    accounts: Sequence[str]
    shown: Shown = field(default_factory=dict)


class AccountFeed:
    def __init__(self, market: Market, outlet: Outlet, zone: str) -> None:
        self._market = market
        self._outlet = outlet
        self._zone = ZoneInfo(zone)
        self._due = market.now() + REFRESH
        self._updates: str | None = None
        self._shown: Shown = {}
        self._positions = False
        self._positions_multi: dict[int, Multi] = {}
        self._values_multi: dict[int, Multi] = {}
        self._summaries: dict[int, _Summary] = {}

    @property
    def summaries(self) -> Mapping[int, object]:
        return self._summaries

    @property
    def updated(self) -> str | None:
        """The account whose updates are subscribed to."""
        return self._updates

    def open_updates(self, account: str) -> None:
        """Send the whole account, then keep it current. One account at a time: a second takes the first one's place."""
        self._updates = account
        self._shown = {}
        for position in self._market.positions(account):
            self._send_portfolio(position)
        self._send_values(account)
        self._outlet.send(answers.account_download_end(self._outlet.version, account))

    def close_updates(self) -> None:
        self._updates = None

    def open_positions(self) -> None:
        self._positions = True
        for account in self._market.accounts:
            for position in self._held(account):
                self._send_position(position)
        self._outlet.send(answers.position_end(self._outlet.version))

    def close_positions(self) -> None:
        self._positions = False

    def open_positions_multi(self, request_id: int, multi: Multi) -> None:
        self._positions_multi[request_id] = multi
        for position in self._held(multi.account):
            self._send_position_multi(request_id, multi, position)
        self._outlet.send(answers.position_multi_end(self._outlet.version, request_id))

    def close_positions_multi(self, request_id: int) -> None:
        self._positions_multi.pop(request_id, None)

    def open_values_multi(self, request_id: int, multi: Multi) -> None:
        self._values_multi[request_id] = multi
        self._send_values_multi(request_id, multi)
        self._outlet.send(answers.account_update_multi_end(self._outlet.version, request_id))

    def close_values_multi(self, request_id: int) -> None:
        self._values_multi.pop(request_id, None)

    def open_summary(self, request_id: int, tags: tuple[str, ...], accounts: Sequence[str]) -> None:
        self._summaries[request_id] = _Summary(tags, accounts)
        self._send_summary(request_id, self._summaries[request_id])
        self._outlet.send(answers.account_summary_end(self._outlet.version, request_id))

    def close_summary(self, request_id: int) -> None:
        self._summaries.pop(request_id, None)

    def push(self, changed: Iterable[tuple[str, int]]) -> None:
        """Tell of positions that changed, by account and conid, and what they did to the account."""
        accounts = set()
        for account, conid in changed:
            position = self._market.position(account, conid)
            if position is not None:
                accounts.add(account)
                self._push_position(position)
        if self._updates in accounts:
            self._send_values(self._updates)

    def refresh(self, now: datetime) -> None:
        """Send values and summaries again when three minutes of simulated time have passed."""
        if now < self._due:
            return
        self._due = now + REFRESH
        if self._updates is not None:
            for position in self._held(self._updates):
                self._send_portfolio(position)
            self._send_values(self._updates)
        for request_id, summary in self._summaries.items():
            self._send_summary(request_id, summary)
        for request_id, multi in self._values_multi.items():
            self._send_values_multi(request_id, multi)

    def _held(self, account: str) -> list[Position]:
        return [position for position in self._market.positions(account) if position.quantity]

    def _push_position(self, position: Position) -> None:
        if self._updates == position.account:
            self._send_portfolio(position)
        if self._positions:
            self._send_position(position)
        for request_id, multi in self._positions_multi.items():
            if multi.account == position.account:
                self._send_position_multi(request_id, multi, position)

    def _send_portfolio(self, position: Position) -> None:
        contract = self._market.contract(position.conid)
        if contract is not None:
            self._outlet.send(answers.portfolio_value(self._outlet.version, contract, position))

    def _send_position(self, position: Position) -> None:
        contract = self._market.contract(position.conid)
        if contract is not None:
            self._outlet.send(answers.position(self._outlet.version, contract, position))

    def _send_position_multi(self, request_id: int, multi: Multi, position: Position) -> None:
        contract = self._market.contract(position.conid)
        if contract is not None:
            version = self._outlet.version
            self._outlet.send(answers.position_multi(version, request_id, multi.model, contract, position))

    def _send_values(self, account: str) -> None:
        for row in _news(self._shown, self._market.account_values(account)):
            self._outlet.send(answers.account_value(self._outlet.version, row))
        local = self._market.now().astimezone(self._zone)
        self._outlet.send(answers.account_update_time(self._outlet.version, local))

    def _send_values_multi(self, request_id: int, multi: Multi) -> None:
        rows = self._market.account_values(multi.account)
        for row in rows if not multi.ledger_only else (row for row in rows if row.currency):
            self._outlet.send(answers.account_update_multi(self._outlet.version, request_id, multi.model, row))

    def _send_summary(self, request_id: int, summary: _Summary) -> None:
        for account in summary.accounts:
            rows = summary_rows(self._market.account_values(account), summary.tags)
            for row in _news(summary.shown, rows):
                self._outlet.send(answers.account_summary(self._outlet.version, request_id, row))


def _news(shown: Shown, rows: Iterable[AccountValue]) -> Iterable[AccountValue]:
    """The rows that differ from what was shown, which they become."""
    for row in rows:
        key = (row.account, row.key, row.currency)
        if shown.get(key) != row.value:
            shown[key] = row.value
            yield row
