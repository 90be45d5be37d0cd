"""Requests about an advisor's configuration."""

from __future__ import annotations

from dataclasses import dataclass

from ibkr_sim.tws.fields import FieldReader


@dataclass(frozen=True, slots=True)
class AdviceRequest:
    """`kind` as the wire numbers it: 1 groups, 2 profiles, 3 aliases."""

    kind: int


@dataclass(frozen=True, slots=True)
class AdviceReplacement:
    kind: int
    text: str
    request_id: int


def advice_request(fields: FieldReader) -> AdviceRequest:
    fields.skip(1)
    return AdviceRequest(fields.integer())


def advice_replacement(fields: FieldReader) -> AdviceReplacement:
    fields.skip(1)
    return AdviceReplacement(fields.integer(), fields.text(), fields.integer())
