"""Requests about the connection itself, and those that carry nothing but an id."""

from __future__ import annotations

from dataclasses import dataclass

from ibkr_sim.tws.fields import FieldReader


@dataclass(frozen=True, slots=True)
class StartApi:
    client_id: int
    capabilities: str


@dataclass(frozen=True, slots=True)
class Plain:
    """A request that is its message id alone."""


@dataclass(frozen=True, slots=True)
class Identified:
    """A request, often a cancel, that carries a request id alone."""

    request_id: int


@dataclass(frozen=True, slots=True)
class Switch:
    on: bool


def start_api(fields: FieldReader) -> StartApi:
    fields.skip(1)
    client_id = fields.integer()
    return StartApi(client_id, fields.text() if fields.remaining else "")


def plain(_fields: FieldReader) -> Plain:
    return Plain()


def identified(fields: FieldReader) -> Identified:
    return Identified(fields.integer())


def versioned(fields: FieldReader) -> Identified:
    """As `identified`, behind a message version."""
    fields.skip(1)
    return Identified(fields.integer())


def switch(fields: FieldReader) -> Switch:
    fields.skip(1)
    return Switch(fields.flag())


def bare_switch(fields: FieldReader) -> Switch:
    """As `switch`, without a message version."""
    return Switch(fields.flag())
