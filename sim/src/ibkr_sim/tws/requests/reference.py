"""Requests about the market as a whole, and about the windows of TWS."""

from __future__ import annotations

from dataclasses import dataclass

from ibkr_sim.tws.fields import FieldReader


@dataclass(frozen=True, slots=True)
class SmartComponents:
    """`key` as a quote named it."""

    request_id: int
    key: str


@dataclass(frozen=True, slots=True)
class GroupSubscription:
    request_id: int
    group: int


@dataclass(frozen=True, slots=True)
class GroupUpdate:
    """`contract` is `265598@SMART`, or `none`."""

    request_id: int
    contract: str


def smart_components(fields: FieldReader) -> SmartComponents:
    return SmartComponents(fields.integer(), fields.text())


def group_subscription(fields: FieldReader) -> GroupSubscription:
    fields.skip(1)
    return GroupSubscription(fields.integer(), fields.integer())


def group_update(fields: FieldReader) -> GroupUpdate:
    fields.skip(1)
    return GroupUpdate(fields.integer(), fields.text())
