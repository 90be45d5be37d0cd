"""An advisor's accounts: who they are, how they are grouped, and how a group shares an order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as Xml

import pytest

from ibkr_sim.exchange.settings import AccountSettings, ExchangeSettings, advisor_account
from ibkr_sim.server import Simulator, SimulatorSettings
from ibkr_sim.tws.settings import TwsSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sim.tests.tws.conftest import House, Message, Wire

MASTER, FIRST, SECOND, THIRD = "DF9900001", "DU9900001", "DU9900002", "DU9900003"
AAPL = 265598
VERSIONS = [157, 176, 177, 178, 193, 194, 200]
GROUPS, PROFILES, ALIASES = 1, 2, 3


def money(dollars: int) -> dict[str, Decimal]:
    return {"USD": Decimal(dollars)}


@pytest.fixture
async def office(house: House) -> AsyncIterator[House]:
    """An advisor with three clients, of whom the second has half of the first's money, and the third a quarter."""
    settings = SimulatorSettings(
        exchange=ExchangeSettings(
            accounts=(
                AccountSettings(FIRST, cash=money(1_000_000)),
                AccountSettings(SECOND, cash=money(500_000)),
                AccountSettings(THIRD, cash=money(250_000)),
                advisor_account(),
            )
        ),
        tws=TwsSettings(port=0, beat=0.01, most_messages=0),
        control_port=None,
        start=house.simulator.clock.now(),
        speed=0,
    )
    async with AsyncExitStack() as exits:
        yield type(house)(await exits.enter_async_context(Simulator(settings)), exits)


def groups(*rows: tuple[str, str, Sequence[str]]) -> str:
    def one(name: str, method: str, accounts: Sequence[str]) -> str:
        inner = "".join(f"<String>{account}</String>" for account in accounts)
        accounts_ = f'<ListOfAccts varName="list">{inner}</ListOfAccts>'
        return f"<Group><name>{name}</name>{accounts_}<defaultMethod>{method}</defaultMethod></Group>"

    return f'<?xml version="1.0" encoding="UTF-8"?><ListOfGroups>{"".join(one(*row) for row in rows)}</ListOfGroups>'


def weighed(name: str, method: str, amounts: dict[str, object]) -> str:
    inner = "".join(f"<Account><acct>{key}</acct><amount>{value}</amount></Account>" for key, value in amounts.items())
    head = f"<name>{name}</name><defaultMethod>{method}</defaultMethod>"
    return f'<ListOfGroups><Group>{head}<ListOfAccts varName="list">{inner}</ListOfAccts></Group></ListOfGroups>'


def profile(name: str, kind: int, amounts: dict[str, object]) -> str:
    inner = "".join(
        f"<Allocation><acct>{key}</acct><amount>{value}</amount></Allocation>" for key, value in amounts.items()
    )
    allocations = f'<ListOfAllocations varName="listOfAllocations">{inner}</ListOfAllocations>'
    row = f"<AllocationProfile><name>{name}</name><type>{kind}</type>{allocations}</AllocationProfile>"
    return f"<ListOfAllocationProfiles>{row}</ListOfAllocationProfiles>"


async def advice(wire: Wire, kind: int) -> Xml.Element:
    ((number, version, told, text),) = await wire.ask(18, 1, kind)
    assert (number, version, told) == ("16", "1", str(kind))
    return Xml.fromstring(text.encode())


async def replace(wire: Wire, kind: int, text: str) -> list[Message]:
    return await wire.ask(19, 1, kind, text, 77)


def codes(messages: list[Message]) -> list[str]:
    return [row[-1] if row[0] == "103" else row[3] for row in messages if row[0] in ("4", "103")]


def shared_order(order_fields: Callable[..., list[object]], wire: Wire, order_id: int, **changes: Any) -> list[object]:
    """An order of a group: the fields of an advisor lie behind `goodTillDate`."""
    group, method, fa_profile = (changes.pop(name, "") for name in ("group", "method", "profile"))
    percentage = changes.pop("percentage", "")
    fields = order_fields(wire.version, order_id, account=changes.pop("account", ""), **changes)
    at = 39
    fields[at : at + 3] = [group, method, percentage]
    if wire.version < 177:
        fields[at + 3] = fa_profile
    return fields


def filled(messages: list[Message]) -> dict[str, Decimal]:
    """Shares by account, of the executions told."""
    found: dict[str, Decimal] = {}
    for row in messages:
        if row[0] == "11":
            found[row[16]] = found.get(row[16], Decimal(0)) + Decimal(row[19])
    return found


@pytest.mark.parametrize("version", VERSIONS)
async def test_an_advisor_sees_its_own_account_first_and_those_of_its_clients(office: House, version: int) -> None:
    wire = await office.client(version=version)
    assert await wire.ask(17, 1) == [["15", "1", f"{MASTER},{FIRST},{SECOND},{THIRD}"]]
    ((number, count, *pairs),) = await wire.ask(80)
    assert (number, count) == ("78", "4")
    assert pairs[::2] == [MASTER, FIRST, SECOND, THIRD]
    assert set(pairs[1::2]) == {"F9900001"}


@pytest.mark.parametrize("version", VERSIONS)
async def test_groups_and_aliases_are_told_in_the_layout_of_tws(office: House, version: int) -> None:
    wire = await office.client(version=version)
    root = await advice(wire, GROUPS)
    assert root.tag == "ListOfGroups"
    assert [row.findtext("name") for row in root] == ["Everyone"]
    assert [row.findtext("defaultMethod") for row in root] == ["EqualQuantity"]
    assert [leaf.text for leaf in root.iterfind("Group/ListOfAccts/String")] == [FIRST, SECOND, THIRD]
    root = await advice(wire, ALIASES)
    assert root.tag == "ListOfAccountAliases"
    assert [row.findtext("account") for row in root.iterfind("AccountAlias")] == [MASTER, FIRST, SECOND, THIRD]


@pytest.mark.parametrize("version", VERSIONS)
async def test_profiles_exist_below_177_alone(office: House, version: int) -> None:
    wire = await office.client(version=version)
    text = profile("60_40", 1, {FIRST: "60.0", SECOND: "40.0"})
    if version < 177:
        assert (await advice(wire, PROFILES)).tag == "ListOfAllocationProfiles"
        assert await replace(wire, PROFILES, text) == [["103", "77", "success"]]
        assert (await advice(wire, PROFILES)).findtext("AllocationProfile/name") == "60_40"
    else:
        for answer in (await wire.ask(18, 1, PROFILES), await replace(wire, PROFILES, text)):
            (row,) = answer
            assert "321" in row
            assert any("FA Profile is not supported anymore" in field for field in row)


async def test_what_replaces_groups_and_aliases_is_told_from_then_on_to_every_client(office: House) -> None:
    wire, other = await office.client(1), await office.client(2)
    text = groups(("Two", "NetLiq", (FIRST, SECOND)), ("One", "Equal", (THIRD,)))
    assert await replace(wire, GROUPS, text) == [["103", "77", "success"]]
    root = await advice(other, GROUPS)
    assert [row.findtext("name") for row in root] == ["Two", "One"]
    assert [leaf.text for leaf in root[0].iterfind("ListOfAccts/String")] == [FIRST, SECOND]
    assert await replace(wire, GROUPS, weighed("Fixed", "ContractsOrShares", {FIRST: 30, SECOND: "70.0"})) == [
        ["103", "77", "success"]
    ]
    root = await advice(other, GROUPS)
    assert [leaf.text for leaf in root.iterfind("Group/ListOfAccts/Account/amount")] == ["30", "70"]
    alias = f"<AccountAlias><account>{FIRST}</account><alias>Ann</alias></AccountAlias>"
    await replace(wire, ALIASES, f"<ListOfAccountAliases>{alias}</ListOfAccountAliases>")
    assert [row.findtext("alias") for row in await advice(other, ALIASES)] == ["Ann"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "321"),
        ("no XML at all", "321"),
        ("<ListOfGroups><Group></ListOfGroups>", "321"),
        ("<ListOfAccountAliases/>", "321"),
        ("<ListOfGroups><Group/></ListOfGroups>", "321"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><ListOfGroups/>', "321"),
        ('<?xml version="1.0" encoding="cp037"?><ListOfGroups><L/></ListOfGroups>', "321"),
        (groups(("Odd", "Astrology", (FIRST,))), "321"),
        (groups(("Empty", "NetLiq", ())), "321"),
        (groups(("Twice", "NetLiq", (FIRST, FIRST))), "321"),
        (groups(("Same", "NetLiq", (FIRST,)), ("Same", "Equal", (SECOND,))), "321"),
        (groups(("Fixed", "Ratio", (FIRST,))), "321"),
        (weighed("Fixed", "Ratio", {FIRST: "much"}), "321"),
        (weighed("Fixed", "Ratio", {FIRST: -1}), "321"),
        (weighed("Fixed", "Percent", {FIRST: 60, SECOND: 30}), "321"),
        (groups(("Good", "NetLiq", (FIRST,)), ("Bad", "NetLiq", (FIRST, "DU1234567"))), "10231"),
    ],
)
async def test_a_document_that_makes_no_sense_is_refused_and_changes_nothing(
    office: House, text: str, code: str
) -> None:
    wire = await office.client()
    before = await wire.ask(18, 1, GROUPS)
    (refusal,) = await replace(wire, GROUPS, text)
    assert refusal[2:4] == ["77", code]
    assert await wire.ask(18, 1, GROUPS) == before


async def test_kinds_that_do_not_exist_and_requests_without_their_fields_are_refused(office: House) -> None:
    wire = await office.client()
    assert [row[2:4] for row in await wire.ask(18, 1, 9)] == [["-1", "321"]]
    assert [row[2:4] for row in await wire.ask(19, 1, 0, groups(), 77)] == [["77", "321"]]
    wire.send(18, 1, "groups")
    assert "320" in await wire.read()
    assert (await wire.ask(8, 1, 1))[0][0] == "9"


async def test_who_is_no_advisor_is_told_so(house: House) -> None:
    wire = await house.client()
    for request, answered in ((18, "-1"), (19, "77")):
        (refusal,) = await wire.ask(request, 1, GROUPS, *((groups(), 77) if request == 19 else ()))
        assert refusal[2:4] == [answered, "321"]
        assert "FA data operations ignored for non FA customers." in refusal[4]


@pytest.mark.parametrize(
    ("group", "method", "expected"),
    [
        (groups(("G", "EqualQuantity", (FIRST, SECOND, THIRD))), "", (34, 33, 33)),
        (groups(("G", "EqualQuantity", (THIRD, FIRST))), "", (50, 0, 50)),
        (groups(("G", "NetLiq", (FIRST, SECOND, THIRD))), "", (57, 29, 14)),
        (groups(("G", "EqualQuantity", (FIRST, SECOND, THIRD))), "AvailableEquity", (57, 29, 14)),
        (weighed("G", "Ratio", {FIRST: 1, SECOND: 3}), "", (25, 75, 0)),
        (weighed("G", "Percent", {SECOND: "10.0", THIRD: 90}), "", (0, 10, 90)),
        (weighed("G", "ContractsOrShares", {FIRST: 100, THIRD: 100}), "Equal", (50, 0, 50)),
    ],
)
async def test_a_group_shares_an_order_by_its_method(
    office: House, order_fields: Callable[..., list[object]], group: str, method: str, expected: tuple[int, int, int]
) -> None:
    wire = await office.client()
    await replace(wire, GROUPS, group)
    heard = await wire.ask(*shared_order(order_fields, wire, 1, group="G", method=method, quantity=100))
    for _ in range(40):
        office.advance(seconds=1)
        heard += await wire.settle()
    shares = dict(zip((FIRST, SECOND, THIRD), expected, strict=True))
    assert filled(heard) == {account: size for account, size in shares.items() if size}
    exchange = office.simulator.exchange
    held = {account: exchange.position(account, AAPL) for account in (FIRST, SECOND, THIRD, MASTER)}
    assert {account: row.quantity for account, row in held.items() if row} == filled(heard)
    told = [row for row in heard if row[0] == "3"][-1]
    assert told[2:5] == ["Filled", "100", "0"]


async def test_a_shared_order_is_one_order_with_an_execution_and_a_commission_for_each_account(
    office: House, order_fields: Callable[..., list[object]]
) -> None:
    wire = await office.client()
    ask = office.simulator.exchange.quote(AAPL).ask
    heard = await wire.ask(*shared_order(order_fields, wire, 1, group="Everyone", quantity=3, account=MASTER))
    opened = [row for row in heard if row[0] == "5"]
    assert len({row[25] for row in opened}) == 1  # permId
    executions = [row for row in heard if row[0] == "11"]
    assert [row[16] for row in executions] == [FIRST, SECOND, THIRD]
    assert {Decimal(row[20]) for row in executions} == {ask}
    assert len({row[14] for row in executions}) == 3
    charges = {row[2]: Decimal(row[3]) for row in heard if row[0] == "59"}
    assert charges == {row[14]: Decimal(1) for row in executions}  # the least of each account, not of the order
    rows = await wire.ask(7, 3, 5, 0, SECOND, "", "", "", "", "")
    assert [row[16] for row in rows if row[0] == "11"] == [SECOND]
    orders = office.simulator.exchange.completed_orders()
    assert [(order.request.account, order.filled, order.commission) for order in orders] == [(MASTER, 3, 3)]


async def test_an_order_in_parts_ends_with_the_shares_of_the_whole(
    office: House, order_fields: Callable[..., list[object]]
) -> None:
    wire = await office.client()
    await replace(wire, GROUPS, groups(("G", "EqualQuantity", (FIRST, SECOND, THIRD))))
    fields = shared_order(order_fields, wire, 1, group="G", quantity=1501)
    heard = await wire.ask(*fields)
    for _ in range(200):
        if any(row[0] == "3" and row[2] == "Filled" for row in heard):
            break
        office.advance(seconds=1)
        heard += await wire.settle()
    executions = [row for row in heard if row[0] == "11"]
    assert len(executions) > 3
    assert filled(heard) == {FIRST: 501, SECOND: 500, THIRD: 500}
    last = {row[16]: Decimal(row[24]) for row in executions}
    assert last == filled(heard)  # cumQty is the account's own


async def test_an_order_of_one_client_goes_to_that_client(office: House) -> None:
    wire = await office.client()
    assert filled(await wire.place(1, account=SECOND)) == {SECOND: 10}


async def test_an_order_that_names_neither_account_nor_group_is_refused_with_436(office: House) -> None:
    wire = await office.client()
    assert [row[2:4] for row in await wire.place(1, account="")] == [["1", "436"]]
    assert not office.simulator.exchange.completed_orders()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"group": "Nobody"}, "321"),
        ({"group": "Everyone", "method": "Astrology"}, "321"),
        ({"group": "Everyone", "account": FIRST}, "321"),
        ({"group": "Everyone", "account": "DU1"}, "321"),
        ({"group": "Everyone", "percentage": "50"}, "201"),
        ({"group": "Everyone", "what_if": 1}, "201"),
        ({"group": "Poor", "quantity": 100_000}, "201"),
        ({"group": "Changing"}, "201"),
    ],
)
async def test_a_shared_order_that_cannot_be_is_refused(
    office: House, order_fields: Callable[..., list[object]], changes: dict[str, Any], code: str
) -> None:
    wire = await office.client()
    everyone = ("Everyone", "EqualQuantity", (FIRST, SECOND, THIRD))
    await replace(wire, GROUPS, groups(everyone, ("Poor", "Equal", (THIRD,)), ("Changing", "PctChange", (FIRST,))))
    heard = await wire.ask(*shared_order(order_fields, wire, 1, **changes))
    assert [row[2:4] for row in heard if row[0] == "4"] == [["1", code]]
    assert not office.open_orders()


async def test_a_profile_shares_an_order_below_177(office: House, order_fields: Callable[..., list[object]]) -> None:
    wire = await office.client(version=176)
    await replace(wire, PROFILES, profile("P", 2, {FIRST: 1, THIRD: 4}))
    heard = await wire.ask(*shared_order(order_fields, wire, 1, profile="P", quantity=10))
    assert filled(heard) == {FIRST: 2, THIRD: 8}


async def test_a_changed_order_is_shared_anew(office: House, order_fields: Callable[..., list[object]]) -> None:
    wire = await office.client()
    limit = {"kind": "LMT", "limit": office.price("0.5")}
    await wire.ask(*shared_order(order_fields, wire, 1, group="Everyone", quantity=3, **limit))
    (working,) = office.open_orders()
    assert working.request.quantity == 3
    heard = await wire.ask(
        *shared_order(order_fields, wire, 1, group="Everyone", quantity=9, kind="LMT", limit=office.price("1.1"))
    )
    assert filled(heard) == {FIRST: 3, SECOND: 3, THIRD: 3}


async def test_a_summary_can_be_of_a_group(office: House) -> None:
    wire = await office.client()
    await replace(wire, GROUPS, groups(("Two", "NetLiq", (THIRD, FIRST))))
    rows = await wire.ask(62, 1, 5, "Two", "NetLiquidation")
    assert [(row[3], row[5]) for row in rows if row[0] == "63"] == [(THIRD, "250000.00"), (FIRST, "1000000.00")]
    rows = await wire.ask(62, 1, 6, "All", "NetLiquidation")
    assert {row[3] for row in rows if row[0] == "63"} == {MASTER, FIRST, SECOND, THIRD}
    assert codes(await wire.ask(62, 1, 7, "None", "NetLiquidation")) == ["321"]
