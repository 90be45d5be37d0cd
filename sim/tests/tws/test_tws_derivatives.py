"""Options, futures and other contracts on TWS's wire, field by field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from sim.tests.tws.conftest import House

AAPL, ACCOUNT = 265598, "DU9912345"
MARCH = {"symbol": "AAPL", "secType": "OPT", "expiry": "20260320"}


def details(request: int, version: int, **known: Any) -> list[object]:
    names = "conid symbol secType expiry strike right multiplier exchange primary currency local cls".split()  # noqa: SIM905
    fields = [known.get(name, "") for name in names]
    return [9, 8, request, *fields, 0, "", "", *([""] if version >= 176 else [])]


@pytest.mark.parametrize("version", [157, 178, 200])
async def test_an_option_is_described_in_full(house: House, version: int) -> None:
    wire = await house.client(version=version)
    wanted = {**MARCH, "strike": 270, "right": "C", "exchange": "SMART"}
    message, end = await wire.ask(*details(1, version, **wanted))
    assert (message[0], end[0]) == ("10", "52")
    assert {"AAPL", "OPT", "20260320", "270", "C", "100", "AAPL  260320C00270000", str(AAPL)} <= set(message)
    assert "202603" in message
    assert "STK" in message


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        ({"symbol": "AAPL", "secType": "OPT", "expiry": "20260320", "strike": 270}, 2),
        ({"symbol": "AAPL", "secType": "OPT", "expiry": "20260320", "right": "PUT"}, 88),
        ({"symbol": "AAPL", "secType": "OPT", "expiry": "202603", "strike": 270, "right": "C"}, 4),
        ({"secType": "OPT", "local": "AAPL  260320C00270000"}, 1),
        ({"symbol": "ES", "secType": "FUT", "exchange": "CME"}, 8),
        ({"symbol": "ES", "secType": "FUT", "expiry": "202606"}, 1),
        ({"secType": "FUT", "local": "ESM6"}, 1),
        ({"symbol": "ES", "secType": "FOP", "expiry": "20260320", "strike": 6700}, 2),
        ({"symbol": "SPX", "secType": "IND"}, 1),
        ({"symbol": "BTC", "secType": "CRYPTO", "exchange": "PAXOS"}, 1),
        ({"symbol": "AAPL", "secType": "BOND"}, 1),
        ({"symbol": "VFIAX", "secType": "FUND"}, 1),
        ({"symbol": "SAP", "secType": "WAR", "right": "C"}, 1),
        ({"symbol": "AAPL", "secType": "OPT", "strike": 271}, 0),
        ({"secType": "OPT"}, 0),
    ],
)
async def test_what_is_left_open_matches_all(house: House, wanted: dict[str, Any], count: int) -> None:
    wire = await house.client()
    told = await wire.ask(*details(7, 178, **wanted))
    if count:
        assert [message[0] for message in told] == ["18" if wanted["secType"] == "BOND" else "10"] * count + ["52"]
    else:
        assert [message[0] for message in told] == ["4"]
        assert "200" in told[0]


async def test_the_options_of_an_underlying_come_class_by_class_and_exchange_by_exchange(house: House) -> None:
    wire = await house.client()
    *classes, end = await wire.ask(78, 1, "SPX", "", "IND", 416904)
    assert end == ["76", "1"]
    assert {(row[2], row[4]) for row in classes} == {
        (exchange, name) for exchange in ("SMART", "CBOE") for name in ("SPX", "SPXW")
    }
    row = classes[0]
    days = int(row[6])
    assert row[7 : 7 + days] == sorted(row[7 : 7 + days])
    assert int(row[7 + days]) == len(row) - 8 - days
    (only, _end) = await wire.ask(78, 2, "AAPL", "CBOE", "STK", AAPL)
    assert only[2:6] == ["CBOE", str(AAPL), "AAPL", "100"]
    fops = await wire.ask(78, 3, "ES", "", "FUT", 920_002_603)
    assert [message[0] for message in fops] == ["75", "76"]


async def test_an_options_line_tells_what_its_prices_imply(house: House) -> None:
    wire = await house.client()
    (found, _end) = await wire.ask(*details(1, 178, **MARCH, strike=270, right="C"))
    conid = next(field for field in found if field.isdecimal() and int(field) > 1_000_000_000)
    told = await wire.ask(1, 11, 5, conid, *[""] * 6, "SMART", *[""] * 4, 0, "", 0, 0, "")
    computed = {message[2]: message for message in told if message[0] == "21"}
    assert {"10", "11", "13"} <= set(computed)
    volatility, delta, price = (float(value) for value in computed["13"][4:7])
    assert 0.2 < volatility < 0.4
    assert 0.4 < delta < 0.65
    assert price > 1


async def test_an_option_is_bought_and_exercised(house: House) -> None:
    wire = await house.client(client_id=3)
    found = (await wire.ask(*details(1, 178, **MARCH, strike=250, right="C")))[0]
    conid = next(field for field in found if field.isdecimal() and int(field) > 1_000_000_000)
    told = await wire.place(1, conid=conid, symbol="", quantity=2)
    execution = next(message for message in told if message[0] == "11")
    assert execution[3:11] == [conid, "AAPL", "OPT", "20260320", "250", "C", "100", "SMART"]
    contract = [conid, "AAPL", "OPT", "20260320", 250, "C", "100", "SMART", "USD", "", "AAPL"]
    await wire.ask(21, 2, 9, *contract, 1, 1, ACCOUNT, 0)
    positions = [message for message in await wire.ask(61, 1) if message[0] == "61"]
    assert {(row[5], row[-2]) for row in positions} == {("OPT", "1"), ("STK", "100")}
    refused = await wire.ask(21, 2, 10, *contract, 1, 5, ACCOUNT, 0)
    assert refused[0][:3] == ["4", "2", "10"]
    assert refused[0][3] == "201"


async def test_a_symbol_tells_what_follows_it(house: House) -> None:
    wire = await house.client()
    (message,) = await wire.ask(81, 1, "SPX")
    assert {"SPX", "IND", "OPT"} <= set(message)


async def test_a_long_chain_comes_in_portions_and_buries_nobody(house: House) -> None:
    wire = await house.client()
    wire.send(*details(1, 178, symbol="SPX", secType="OPT", right="C"))
    count = 0
    while (message := await wire.read())[0] == "10":
        count += 1
    assert message[:3] == ["52", "1", "1"]
    assert count > 5_000
