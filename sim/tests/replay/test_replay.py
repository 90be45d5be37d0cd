"""Prices that were recorded elsewhere: quotes, trades and bars from CSV and Parquet."""

from __future__ import annotations

import importlib
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from ibkr_sim.clock import Clock
from ibkr_sim.exchange.exchange import Exchange
from ibkr_sim.exchange.model import Execution, OrderRequest, Side, Status
from ibkr_sim.exchange.settings import ExchangeSettings
from ibkr_sim.replay import files
from ibkr_sim.replay.recordings import read

ACCOUNT, AAPL, MSFT, SPX = "DU9912345", 265598, 272093, 416904
START = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
QUOTES = """time,symbol,bid,ask,bid_size,ask_size,price,size
2026-03-02T15:00:00Z,AAPL,100.00,100.02,300,200,,
2026-03-02T15:00:01Z,AAPL,100.01,100.03,100,500,100.03,40
2026-03-02T15:00:02Z,AAPL,,,,,100.02,10
2026-03-02T15:00:05Z,AAPL,99.50,99.60,100,100,99.50,70
"""
BARS = """timestamp,open,high,low,close,volume
1772463600,50,51,49.5,50.5,4000
1772463660,50.5,50.6,48,48.2,8000
"""


def opened(*paths: Path, start: datetime = START) -> tuple[Exchange, Clock]:
    clock = Clock(start, 0)
    return Exchange(ExchangeSettings(replay=tuple(read(paths))), clock), clock


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def order(side: Side, quantity: int, limit: str | None = None, conid: int = AAPL) -> OrderRequest:
    price = None if limit is None else Decimal(limit)
    return OrderRequest(
        ACCOUNT, conid, side, Decimal(quantity), "MKT" if limit is None else "LMT", tif="GTC", limit_price=price
    )


def fills(exchange: Exchange) -> list[Execution]:
    return [execution for execution, _charge in exchange.executions()]


def test_quotes_and_trades_come_at_their_time(tmp_path: Path) -> None:
    exchange, clock = opened(written(tmp_path, "ticks.csv", QUOTES))
    exchange.quote(AAPL)
    seen = []
    for _ in range(7):
        quote = exchange.quote(AAPL)
        seen.append((quote.bid, quote.ask, quote.last, int(quote.volume)))
        clock.advance(timedelta(seconds=1))
        exchange.advance()
    d = Decimal
    assert seen[1] == (d("100.01"), d("100.03"), d("100.03"), 40)
    assert seen[2][2:] == (d("100.02"), 50)
    assert seen[5] == (d("99.50"), d("99.60"), d("99.50"), 120)
    assert seen[6] == seen[5]


def test_orders_trade_at_recorded_prices_and_sizes(tmp_path: Path) -> None:
    exchange, clock = opened(written(tmp_path, "ticks.csv", QUOTES))
    clock.advance(timedelta(milliseconds=250))
    exchange.place(order(Side.BUY, 150))
    assert [(fill.price, fill.shares) for fill in fills(exchange)] == [(Decimal("100.02"), 150)]
    resting = exchange.place(order(Side.BUY, 50, "99.55"))
    clock.advance(timedelta(seconds=6))
    exchange.advance()
    done = exchange.order(resting.perm_id)
    assert done is not None
    assert (done.status, done.average_price) == (Status.FILLED, Decimal("99.55"))


def test_bars_are_walked_from_open_to_close(tmp_path: Path) -> None:
    exchange, clock = opened(written(tmp_path, "MSFT.csv", BARS))
    prices = []
    for _ in range(8):
        exchange.advance()
        prices.append(exchange.glance(MSFT).last)
        clock.advance(timedelta(seconds=15))
    assert [str(price) for price in prices[1:]] == ["49.50", "51.00", "50.50", "50.50", "50.60", "48.00", "48.20"]
    clock.advance(timedelta(minutes=1))
    (bar,) = exchange.bars(MSFT, [(START, START + timedelta(minutes=1))])
    assert (bar.high, bar.low, bar.close) == (51, Decimal("49.5"), Decimal("50.5"))
    assert exchange.quote(MSFT).volume == 12_000


def test_what_follows_a_replayed_contract_follows_the_recording(tmp_path: Path) -> None:
    exchange, _clock = opened(written(tmp_path, "756733.csv", BARS.replace("50.5,4000", "50,4000")))
    assert exchange.glance(SPX).last == pytest.approx(Decimal(500), abs=1)


def test_parquet_is_read_as_csv_is(tmp_path: Path) -> None:
    arrow, parquet = (importlib.import_module(name) for name in ("pyarrow", "pyarrow.parquet"))
    times = [START, START + timedelta(seconds=1)]
    table = arrow.table({"time": times, "symbol": ["AAPL"] * 2, "price": [10.5, 10.75], "size": [3, 4]})
    path = tmp_path / "trades.parquet"
    parquet.write_table(table, path)
    (recording,) = read([path])
    assert (recording.name, recording.begins, list(recording.prices)) == ("AAPL", START, [10_500_000, 10_750_000])
    broken = written(tmp_path, "broken.parquet", "no")
    with pytest.raises(ValueError, match="broken"):
        read([broken])


def test_parquet_without_its_library_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(files, "import_module", missing)
    with pytest.raises(ValueError, match="pip install pyarrow"):
        read([tmp_path / "trades.parquet"])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("time,bid,ask\nnever,1,2\n", "row 2: no time"),
        ("time,bid,ask\n2026-03-02,2,1\n", "row 2: .*no quote"),
        ("time,price,size\n2026-03-02,x,1\n", "row 2"),
        ("time,price,size\n2026-03-02,-1,1\n", "row 2: .*no trade"),
        ("time,price,size\n2026-03-02,1,1\n2026-03-01,1,1\n", "row 3: .*before the row above"),
        ("time,open,high,low,close,volume\n2026-03-02,5,4,3,3,1\n", "make no bar"),
        ("time,color\n2026-03-02,red\n", "needs bid and ask"),
    ],
)
def test_a_row_that_makes_no_sense_is_named(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read([written(tmp_path, "AAPL.csv", text)])


def test_a_name_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="NOPE"):
        opened(written(tmp_path, "NOPE.csv", BARS))


def test_the_command_says_which_file_is_wrong(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ibkr_sim", "serve"]
    lacking = written(tmp_path, "c.csv", "symbol\nX\n")
    for words in (["--replay", str(tmp_path / "none.csv")], ["--contracts", str(lacking)]):
        done = subprocess.run([*command, *words], capture_output=True, check=False, timeout=20, text=True)
        assert done.returncode == 2
        assert words[1].rsplit("/", 1)[-1].split(".")[0] in done.stderr
