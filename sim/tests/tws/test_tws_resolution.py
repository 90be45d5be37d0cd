"""Which contract a description means, and which descriptions mean none."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from ibkr_sim.exchange.listing.contracts import Wanted

if TYPE_CHECKING:
    from sim.tests.tws.conftest import House, Message, Wire

AAPL, AAPL_IN_MEXICO, EUR_USD = 265598, 38708077, 12087792
ES_DECEMBER_2025, ES_MARCH_2026 = 495512563, 920002603
ISIN, CUSIP = "US0378331005", "037833100"
NAMES = ("conid", "symbol", "kind", "expiry", "strike", "right", "multiplier", "exchange", "primary", "currency")
STOCK = {"symbol": "AAPL", "kind": "STK", "exchange": "SMART", "currency": "USD"}
KNOWN = {"conid": AAPL, "exchange": "SMART"}
UNFIT = {"200", "321", "478"}
"""What a description that means a contract is never answered with."""
NOT_FOUND = ["200", "No security definition has been found for the request"]
NO_VENUE = ["200", "Invalid destination exchange specified"]
CONFLICT = "Parameters in request conflicts with contract parameters received by contract id:"


def described(**known: Any) -> list[object]:
    return [known.get(name, "") for name in (*NAMES, "local", "cls")]


def details(contract: dict[str, Any], expired: int = 0, by: tuple[str, str] = ("", "")) -> list[object]:
    return [9, 8, 5, *described(**contract), expired, *by, ""]


def data(contract: dict[str, Any]) -> list[list[object]]:
    """Each kind of data that is asked for by a contract."""
    fields = described(**contract)
    return [
        [1, 11, 5, *fields, 0, "", 0, 0, ""],
        [10, 5, 5, *fields, 5, int(contract["exchange"] == "SMART") if "exchange" in contract else 0, ""],
        [20, 5, *fields, 0, "", "1 day", "1 D", 1, "MIDPOINT", 1, 0, ""],
        [50, 3, 5, *fields, 5, "MIDPOINT", 1, ""],
        [87, 5, *fields, 0, 1, "MIDPOINT", 1],
        [88, 5, *fields, 0, 1, "1 day"],
        [96, 5, *fields, 0, "", "20260302-14:59:00", 5, "MIDPOINT", 1, 0, ""],
        [97, 5, *fields, "MidPoint", 0, 0],
    ]


class Asking:
    """A client that describes contracts."""

    def __init__(self, wire: Wire, order_fields: Callable[..., list[object]]) -> None:
        self.wire, self._order_fields, self._orders = wire, order_fields, 0

    async def order(self, contract: dict[str, Any], by: tuple[str, str] = ("", "")) -> list[Message]:
        """A preview's answers."""
        self._orders += 1
        fields = self._order_fields(self.wire.version, self._orders, what_if=1)
        return await self.wire.ask(*fields[:2], *described(**contract), *by, *fields[16:])

    async def each(self, contract: dict[str, Any]) -> list[list[str]]:
        """Code and text of whatever data are refused."""
        return [refusal for request in data(contract) for refusal in refusals(await self.wire.ask(*request))]


def refusals(messages: list[Message]) -> list[list[str]]:
    return [message[3:5] for message in messages if message[0] == "4"]


def conids(messages: list[Message]) -> list[int]:
    return [int(message[12]) for message in messages if message[0] == "10"]


@pytest.fixture
async def asking(house: House, order_fields: Callable[..., list[object]]) -> Asking:
    return Asking(await house.client(version=178), order_fields)


@pytest.mark.parametrize(
    ("contract", "by", "expected"),
    [
        ({"kind": "STK", "exchange": "SMART", "currency": "USD"}, ("ISIN", ISIN), [AAPL]),
        ({"kind": "STK", "exchange": "SMART"}, ("ISIN", ISIN), [AAPL, AAPL_IN_MEXICO]),
        ({"kind": "STK", "exchange": "MEXI"}, ("ISIN", ISIN), [AAPL_IN_MEXICO]),
        ({"kind": "STK", "currency": "USD"}, ("CUSIP", CUSIP), [AAPL]),
        (STOCK, ("ISIN", ISIN), [AAPL]),
        ({**STOCK, "symbol": "MSFT"}, ("ISIN", ISIN), []),
        (STOCK, ("ISIN", "US5949181045"), []),
        (STOCK, ("SEDOL", "2046251"), []),
    ],
)
async def test_a_security_is_found_by_the_number_that_others_know_it_by(
    asking: Asking, contract: dict[str, Any], by: tuple[str, str], expected: list[int]
) -> None:
    answer = await asking.wire.ask(*details(contract, by=by))
    assert conids(answer) == expected
    assert refusals(answer) == ([] if expected else [NOT_FOUND])


async def test_every_number_that_details_tell_is_one_to_be_found_by(house: House, asking: Asking) -> None:
    for contract in house.simulator.exchange.find_contracts():
        if contract.isin:
            asked = {"kind": contract.sec_type, "exchange": contract.primary_exchange, "currency": contract.currency}
            answer = await asking.wire.ask(*details(asked, by=("ISIN", contract.isin)))
            assert conids(answer) == [contract.conid]
            assert contract.isin in answer[0]


async def test_an_order_may_name_its_contract_by_isin(asking: Asking) -> None:
    contract = {"kind": "STK", "exchange": "SMART", "currency": "USD"}
    (opened,) = await asking.order(contract, ("ISIN", ISIN))
    assert opened[:3] == ["5", "1", str(AAPL)]
    assert refusals(await asking.order(contract, ("ISIN", "US0000000000"))) == [NOT_FOUND]
    ambiguous = ["200", f"The contract description specified for {ISIN} is ambiguous."]
    assert refusals(await asking.order({"kind": "STK", "exchange": "SMART"}, ("ISIN", ISIN))) == [ambiguous]


@pytest.mark.parametrize(
    ("given", "clauses"),
    [
        ({"symbol": "MSFT"}, "requested symbol MSFT, in contract AAPL;"),
        ({"kind": "OPT"}, "requested security type OPT, in contract STK;"),
        ({"currency": "EUR"}, "requested currency EUR, in contract USD;"),
        ({"expiry": "20260320"}, "requested expiry 20260320, in contract ;"),
        ({"strike": "270.0"}, "requested strike 270, in contract ;"),
        ({"right": "C"}, "requested right C, in contract ;"),
        ({"multiplier": "100"}, "requested multiplier 100, in contract ;"),
        ({"local": "AAPL X"}, "requested local symbol AAPL X, in contract AAPL;"),
        ({"cls": "AAPL"}, "requested trading class AAPL, in contract NMS;"),
        (
            {"symbol": "MSFT", "currency": "EUR"},
            "requested symbol MSFT, in contract AAPL; requested currency EUR, in contract USD;",
        ),
    ],
)
async def test_who_contradicts_the_conid_is_refused_with_478(
    house: House, asking: Asking, given: dict[str, Any], clauses: str
) -> None:
    contract = {**KNOWN, **given}
    refusal = ["478", f"{CONFLICT} {clauses}"]
    assert await asking.each(contract) == [refusal] * len(data(contract))
    assert refusals(await asking.order(contract)) == [refusal]
    assert not house.open_orders()
    assert conids(await asking.wire.ask(*details(contract))) == [AAPL]  # of details a conid alone decides


@pytest.mark.parametrize(
    "given",
    [
        {"symbol": "aapl", "kind": "STK", "currency": "usd", "local": "AAPL", "cls": "NMS"},
        {"kind": "ETF"},
        {"strike": "0.0", "right": "?", "multiplier": "1"},
        {"strike": "1.7976931348623157E308", "right": "0", "multiplier": ""},
        {"exchange": "ARCA", "primary": "ISLAND"},
        {"exchange": "ISLAND"},
    ],
)
async def test_what_says_the_same_in_other_words_contradicts_nothing(asking: Asking, given: dict[str, Any]) -> None:
    contract = {**KNOWN, **given}
    refused = [*await asking.each(contract), *refusals(await asking.order(contract))]
    assert not UNFIT & {code for code, _text in refused}


async def test_an_option_may_be_described_by_more_than_its_conid(house: House, asking: Asking) -> None:
    wanted = Wanted(symbol="AAPL", sec_type="OPT", local_symbol="AAPL  261218C00270000")
    (option,) = house.simulator.exchange.search(wanted)
    known = {"conid": option.conid, "exchange": "SMART"}
    agreeing: list[dict[str, Any]] = [
        {"expiry": "202612"},
        {"expiry": "20261218"},
        {"expiry": "20261218 15:00:00 US/Central"},
        {"right": "CALL"},
        {"right": "c"},
        {"multiplier": "100.0"},
        {"strike": "270.00"},
        {"local": "AAPL261218C00270000"},
    ]
    for given in agreeing:
        assert not UNFIT & {code for code, _text in refusals(await asking.order({**known, **given}))}, given
    for given in [{"expiry": "202601"}, {"right": "P"}, {"multiplier": "10"}, {"multiplier": "ten"}, {"strike": "275"}]:
        assert [code for code, _text in refusals(await asking.order({**known, **given}))] == ["478"], given


async def test_what_details_told_is_taken_back(house: House, asking: Asking) -> None:
    exchange, wire = house.simulator.exchange, asking.wire
    known = [
        *exchange.find_contracts(),
        *exchange.find_contracts(sec_type="FUT"),
        *exchange.search(Wanted(symbol="AAPL", sec_type="OPT", strike=Decimal(270))),
        *exchange.search(Wanted(symbol="SPX", sec_type="OPT", expiry="20260320", strike=Decimal(6700))),
        *exchange.search(Wanted(symbol="ES", sec_type="FOP", strike=Decimal(6700))),
    ]
    assert {contract.sec_type for contract in known} >= {"STK", "CASH", "CFD", "BOND", "WAR", "FUT", "OPT", "FOP"}
    for contract in known:
        told = (await wire.ask(*details({"conid": contract.conid})))[0]
        taken = _taken(told)
        head = await wire.ask(87, 5, *described(**taken), 0, 1, "MIDPOINT", 1)
        refused = [*refusals(head), *refusals(await asking.order(taken))]
        assert not UNFIT & {code for code, _text in refused}, (taken, refused)


def _taken(told: Message) -> dict[str, Any]:
    """The contract that a client makes of details."""
    if told[0] == "18":
        names = {"symbol": 2, "kind": 3, "expiry": 6, "exchange": 14, "currency": 15, "cls": 17, "conid": 18}
    else:
        names = {"symbol": 2, "kind": 3, "expiry": 4, "strike": 5, "right": 6, "exchange": 7, "currency": 8}
        names |= {"local": 9, "cls": 11, "conid": 12, "multiplier": 14, "primary": 20}
    return {name: told[at] for name, at in names.items()}


@pytest.mark.parametrize("kind", ["", "FOO", "STOCK", "FUT+CONTFUT", "CONTFUT"])
async def test_a_security_type_that_is_none_is_refused_with_321(asking: Asking, kind: str) -> None:
    contract = {**STOCK, "kind": kind}
    refusal = ["321", "Error validating request.-'bN' : cause - Please enter a valid security type"]
    quotes, depth, *_rest = data(contract)
    for request in (quotes, depth):
        assert refusals(await asking.wire.ask(*request)) == [refusal]
    assert refusals(await asking.order(contract)) == [refusal]
    if "CONTFUT" not in kind:
        assert await asking.each(contract) == [refusal] * len(data(contract))
        assert refusals(await asking.wire.ask(*details(contract))) == [refusal]


async def test_with_a_conid_no_security_type_is_needed(asking: Asking) -> None:
    assert conids(await asking.wire.ask(*details({"conid": AAPL}))) == [AAPL]
    refused = [*await asking.each(KNOWN), *refusals(await asking.order(KNOWN))]
    assert not UNFIT & {code for code, _text in refused}


@pytest.mark.parametrize("contract", [{"conid": AAPL}, {**STOCK, "exchange": ""}])
async def test_data_and_orders_need_an_exchange(asking: Asking, contract: dict[str, Any]) -> None:
    text = "Error validating request.-'bN' : cause - "
    assert await asking.each(contract) == [["321", f"{text}Please enter exchange"]] * len(data(contract))
    assert refusals(await asking.order(contract)) == [["321", f"{text}Missing order exchange"]]
    assert AAPL in conids(await asking.wire.ask(*details(contract)))


@pytest.mark.parametrize("exchange", ["FOO", "MEXI", "CME"])
async def test_an_exchange_where_a_contract_does_not_trade_is_refused_with_200(
    house: House, asking: Asking, exchange: str
) -> None:
    contract = {**KNOWN, "exchange": exchange}
    assert await asking.each(contract) == [NO_VENUE] * len(data(contract))
    assert refusals(await asking.order(contract)) == [NO_VENUE]
    assert not house.open_orders()


@pytest.mark.parametrize("conid", [AAPL, AAPL_IN_MEXICO, EUR_USD, ES_MARCH_2026])
async def test_every_exchange_that_details_tell_is_accepted(asking: Asking, conid: int) -> None:
    told = (await asking.wire.ask(*details({"conid": conid})))[0]
    for exchange in filter(None, (*told[16].split(","), told[20])):
        assert not UNFIT & {
            code for code, _text in refusals(await asking.order({"conid": conid, "exchange": exchange}))
        }


async def test_island_is_an_old_name_of_nasdaq(house: House, asking: Asking) -> None:
    for contract in ({**STOCK, "exchange": "ISLAND"}, {**STOCK, "primary": "ISLAND"}, {**KNOWN, "exchange": "ISLAND"}):
        assert conids(await asking.wire.ask(*details(contract))) == [AAPL]
    (opened,) = await asking.order({**STOCK, "exchange": "ISLAND"})
    assert (opened[2], opened[9]) == (str(AAPL), "NASDAQ")
    assert refusals(await asking.order({"conid": AAPL_IN_MEXICO, "exchange": "ISLAND"})) == [NO_VENUE]
    assert not house.open_orders()


async def test_a_combination_needs_an_exchange_where_all_its_legs_trade(
    asking: Asking, order_fields: Callable[..., list[object]]
) -> None:
    async def placed(order_id: int, exchange: str) -> list[list[str]]:
        fields = order_fields(178, order_id, what_if=1, limit="1", kind="LMT")
        legs = [2, *(AAPL, 1, "BUY", "SMART", 0, 0, "", -1), *(272093, 1, "SELL", "SMART", 0, 0, "", -1), 0, 0]
        contract = described(symbol="AAPL", kind="BAG", exchange=exchange, currency="USD")
        return refusals(await asking.wire.ask(*fields[:2], *contract, *fields[14:35], *legs, *fields[35:]))

    assert await placed(1, "SMART") == []
    assert await placed(2, "FOO") == [NO_VENUE]
    assert [code for code, _text in await placed(3, "")] == ["321"]


async def test_the_continuous_future_is_the_front_month_under_a_type_of_its_own(asking: Asking) -> None:
    contract = {"symbol": "ES", "exchange": "CME"}
    front, _end = await asking.wire.ask(*details({**contract, "kind": "FUT", "expiry": "202603"}))
    continuous, _end = await asking.wire.ask(*details({**contract, "kind": "CONTFUT"}))
    assert continuous == [*front[:3], "CONTFUT", *front[4:]]
    assert (continuous[4], continuous[9]) == ("20260320", "ESH6")
    by_conid, _end = await asking.wire.ask(*details({"conid": front[12], "kind": "CONTFUT", "exchange": "CME"}))
    assert by_conid == continuous
    both = await asking.wire.ask(*details({**contract, "kind": "FUT+CONTFUT"}))
    assert [message[3] for message in both[:-1]] == ["CONTFUT", *["FUT"] * 8]
    unknown = await asking.wire.ask(*details({"symbol": "AAPL", "kind": "CONTFUT"}))
    assert refusals(unknown) == [NOT_FOUND]


async def test_the_continuous_future_rolls_with_the_calendar(house: House, asking: Asking) -> None:
    house.advance(days=30)
    continuous, _end = await asking.wire.ask(*details({"symbol": "ES", "kind": "CONTFUT", "exchange": "CME"}))
    assert (continuous[4], continuous[9]) == ("20260618", "ESM6")


async def test_futures_are_found_for_two_years_after_their_end_by_who_wants_them(asking: Asking) -> None:
    contract = {"symbol": "ES", "kind": "FUT", "exchange": "CME", "expiry": "202512"}
    assert refusals(await asking.wire.ask(*details(contract))) == [NOT_FOUND]
    assert conids(await asking.wire.ask(*details(contract, expired=1))) == [ES_DECEMBER_2025]
    local = {"kind": "FUT", "exchange": "CME", "local": "ESZ5"}
    assert conids(await asking.wire.ask(*details(local, expired=1))) == [ES_DECEMBER_2025]
    found = await asking.wire.ask(*details({**contract, "expiry": ""}, expired=1))
    days = [message[4] for message in found[:-1]]
    assert days == sorted(days)
    assert (days[0], days[7], len(days)) == ("20240315", "20251219", 16)
    refused = await asking.wire.ask(*details({**contract, "expiry": "202312"}, expired=1))
    assert refusals(refused) == [NOT_FOUND]


async def test_an_ended_future_cannot_be_traded(house: House, asking: Asking) -> None:
    contract = {"symbol": "ES", "kind": "FUT", "exchange": "CME", "expiry": "202512"}
    assert refusals(await asking.order(contract)) == [NOT_FOUND]
    by_conid = await asking.order({"conid": ES_DECEMBER_2025, "exchange": "CME"})
    assert refusals(by_conid) == [["201", "Order rejected - reason:the contract has expired."]]
    assert not house.open_orders()


def bars(contract: dict[str, Any], expired: int, end: str = "", duration: str = "1 D") -> list[object]:
    return [20, 5, *described(**contract), expired, end, "1 hour", duration, 1, "TRADES", 2, 0, ""]


def moments(messages: list[Message]) -> list[int]:
    """Where the bars of the only answer begin."""
    message = next(message for message in messages if message[0] == "17")
    return [int(text) for text in message[5::8]]


async def test_the_past_of_the_continuous_future_is_the_front_months(asking: Asking) -> None:
    front = {"symbol": "ES", "kind": "FUT", "exchange": "CME", "expiry": "202603"}
    told = await asking.wire.ask(*bars(front, 0))
    assert moments(told)
    continuous = {"symbol": "ES", "kind": "CONTFUT", "exchange": "CME"}
    assert await asking.wire.ask(*bars(continuous, 0)) == told
    assert await asking.wire.ask(*bars({**continuous, "conid": ES_MARCH_2026}, 0)) == told


@pytest.mark.parametrize(
    "contract",
    [
        {"symbol": "ES", "kind": "FUT", "exchange": "CME", "expiry": "202512"},
        {"exchange": "CME", "conid": ES_DECEMBER_2025},
    ],
)
async def test_the_past_of_an_ended_future_is_kept_until_its_end(asking: Asking, contract: dict[str, Any]) -> None:
    wire = asking.wire
    assert refusals(await wire.ask(*bars(contract, 0))) == [NOT_FOUND]
    end = datetime(2025, 12, 19, 22, tzinfo=UTC).timestamp()
    last = moments(await wire.ask(*bars(contract, 1, "20251220-00:00:00", "2 D")))
    assert end - 8 * 3600 < last[-1] < end
    across = moments(await wire.ask(*bars(contract, 1, "20251224-00:00:00", "1 W")))
    assert across[-1] == last[-1]
    assert moments(await wire.ask(*bars(contract, 1)))[-1] == last[-1]
    ticks = [96, 5, *described(**contract), 1, "20251219-21:55:00", "", 1000, "MIDPOINT", 0, 0, ""]
    ((*head, _done),) = await wire.ask(*ticks)
    times = [int(text) for text in head[3::4]]
    assert end - 300 <= times[0] <= times[-1] < end


@pytest.mark.parametrize("conid", [ES_DECEMBER_2025, 495512557])
async def test_an_ended_future_has_no_quotes_and_after_two_years_no_past(
    house: House, asking: Asking, conid: int
) -> None:
    contract = {"exchange": "CME", "conid": conid}
    assert refusals(await asking.wire.ask(*data(contract)[0])) == [NOT_FOUND]
    house.advance(days=731)
    assert refusals(await asking.wire.ask(*bars(contract, 1, "20241201-00:00:00"))) == [NOT_FOUND]
