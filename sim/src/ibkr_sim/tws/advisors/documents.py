"""How an advisor shares orders among clients: groups, profiles and aliases as XML (TWS API: "Financial Advisors")."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum
from typing import Final
from xml.etree import ElementTree as Xml

from ibkr_sim.tws.fields import Unreadable, decimal_text, number

EQUAL: Final = frozenset({"Equal", "EqualQuantity"})
NET_LIQUIDATION, AVAILABLE_EQUITY = "NetLiq", "AvailableEquity"
BY_AMOUNT: Final = frozenset({"ContractsOrShares", "Ratio", "Percent", "MonetaryAmount"})
"""Methods whose groups say how much each account gets."""
METHODS: Final = EQUAL | BY_AMOUNT | {NET_LIQUIDATION, AVAILABLE_EQUITY, "PctChange"}
PERCENTAGES, RATIOS, SHARES = "1", "2", "3"
"""Kinds of profiles."""
_LONGEST: Final = 256 << 10
_HEAD: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'
_ENTITIES: Final = ("<!DOCTYPE", "<!ENTITY")


class AdviceKind(IntEnum):
    """As the wire numbers them."""

    GROUPS = 1
    PROFILES = 2
    ALIASES = 3


class Malformed(Exception):
    """A document that is none, or does not say what it must."""


@dataclass(frozen=True, slots=True)
class Member:
    account: str
    amount: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """`method` is one of METHODS, of a profile one of its kinds."""

    name: str
    method: str
    members: tuple[Member, ...]

    @property
    def accounts(self) -> tuple[str, ...]:
        return tuple(member.account for member in self.members)


@dataclass(frozen=True, slots=True)
class Alias:
    account: str
    alias: str


def read_groups(text: str) -> tuple[Group, ...]:
    """Raises Malformed."""
    return _read(text, "ListOfGroups", "Group", _group)


def read_profiles(text: str) -> tuple[Group, ...]:
    """Raises Malformed."""
    return _read(text, "ListOfAllocationProfiles", "AllocationProfile", _profile)


def read_aliases(text: str) -> tuple[Alias, ...]:
    """Raises Malformed."""
    rows = _rows(text, "ListOfAccountAliases", "AccountAlias")
    found = tuple(Alias(_text(row, "account"), _text(row, "alias")) for row in rows)
    _once(row.account for row in found)
    return found


def write_groups(groups: Sequence[Group]) -> str:
    """Accounts with an amount are elements of three levels, as later versions of TWS write them."""
    root = Xml.Element("ListOfGroups")
    for group in groups:
        row = Xml.SubElement(root, "Group")
        Xml.SubElement(row, "name").text = group.name
        accounts = Xml.SubElement(row, "ListOfAccts", varName="list")
        for member in group.members:
            if member.amount is None:
                Xml.SubElement(accounts, "String").text = member.account
            else:
                _member(Xml.SubElement(accounts, "Account"), member)
        Xml.SubElement(row, "defaultMethod").text = group.method
    return _written(root)


def write_profiles(profiles: Sequence[Group]) -> str:
    root = Xml.Element("ListOfAllocationProfiles")
    for profile in profiles:
        row = Xml.SubElement(root, "AllocationProfile")
        Xml.SubElement(row, "name").text = profile.name
        Xml.SubElement(row, "type").text = profile.method
        allocations = Xml.SubElement(row, "ListOfAllocations", varName="listOfAllocations")
        for member in profile.members:
            _member(Xml.SubElement(allocations, "Allocation"), member)
    return _written(root)


def write_aliases(aliases: Sequence[Alias]) -> str:
    root = Xml.Element("ListOfAccountAliases")
    for alias in aliases:
        row = Xml.SubElement(root, "AccountAlias")
        Xml.SubElement(row, "account").text = alias.account
        Xml.SubElement(row, "alias").text = alias.alias
    return _written(root)


def _group(row: Xml.Element) -> Group:
    method = _text(row, "defaultMethod")
    if method not in METHODS:
        raise Malformed(f"unknown allocation method {method[:40]}")
    plain = [Member(_stripped(leaf)) for leaf in row.iterfind("ListOfAccts/String")]
    weighed = [_read_member(leaf, needed=method in BY_AMOUNT) for leaf in row.iterfind("ListOfAccts/Account")]
    if plain and method in BY_AMOUNT:
        raise Malformed(f"allocation method {method} needs an amount for each account")
    return _checked(Group(_text(row, "name"), method, (*plain, *weighed)), percent=method == "Percent")


def _profile(row: Xml.Element) -> Group:
    kind = _text(row, "type")
    if kind not in (PERCENTAGES, RATIOS, SHARES):
        raise Malformed(f"unknown profile type {kind[:40]}")
    members = [_read_member(leaf, needed=True) for leaf in row.iterfind("ListOfAllocations/Allocation")]
    return _checked(Group(_text(row, "name"), kind, tuple(members)), percent=kind == PERCENTAGES)


def _read_member(row: Xml.Element, *, needed: bool) -> Member:
    text = (row.findtext("amount") or "").strip()
    try:
        amount = number(text)
    except Unreadable as error:
        raise Malformed("an amount is no number") from error
    if (needed and amount is None) or (amount is not None and amount <= 0):
        raise Malformed("an amount must be above 0")
    return Member(_text(row, "acct"), amount)


def _checked(group: Group, *, percent: bool) -> Group:
    if not group.members:
        raise Malformed(f"{group.name[:40]} has no accounts")
    _once(group.accounts)
    if percent and sum(member.amount or Decimal(0) for member in group.members) != 100:
        raise Malformed(f"the percentages of {group.name[:40]} are not 100 in all")
    return group


def _read(text: str, root: str, name: str, read: Callable[[Xml.Element], Group]) -> tuple[Group, ...]:
    found = tuple(read(row) for row in _rows(text, root, name))
    _once(row.name for row in found)
    return found


def _rows(text: str, root: str, name: str) -> list[Xml.Element]:
    if len(text) > _LONGEST:
        raise Malformed("the document is too long")
    if any(word in text for word in _ENTITIES):  # nobody needs them, and they can be made to grow without end
        raise Malformed("the document declares entities")
    try:
        # An encoding that the document declares could hide what was looked for above.
        element = Xml.fromstring(text.encode(), Xml.XMLParser(encoding="utf-8"))  # noqa: S314  declares no entities
    except (Xml.ParseError, ValueError, LookupError) as error:
        raise Malformed("the document is not well-formed") from error
    if element.tag != root or any(row.tag != name for row in element):
        raise Malformed(f"the document must be a {root} of {name}")
    return list(element)


def _once(names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise Malformed(f"{name[:40]} is there twice")
        seen.add(name)


def _text(row: Xml.Element, tag: str) -> str:
    leaf = row.find(tag)
    if leaf is None:
        raise Malformed(f"{tag} is missing")
    return _stripped(leaf)


def _stripped(leaf: Xml.Element) -> str:
    text = (leaf.text or "").strip()
    if not text:
        raise Malformed(f"{leaf.tag} is empty")
    return text


def _member(row: Xml.Element, member: Member) -> None:
    Xml.SubElement(row, "acct").text = member.account
    Xml.SubElement(row, "amount").text = decimal_text(member.amount or Decimal(0))


def _written(root: Xml.Element) -> str:
    Xml.indent(root, "\t")
    return _HEAD + Xml.tostring(root, encoding="unicode")
