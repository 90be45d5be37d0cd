"""Bodies and answers of the kill switch."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, model_validator

from ibkr_bridge.engine.halts import Failure, HaltReport


class HaltBody(BaseModel):
    """What to do beyond stopping new orders."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: Literal["halt", "reduce"] = Field(
        default="halt", description="halt: nothing new; reduce: only what brings a position nearer to zero"
    )
    cancel: StrictBool = Field(default=False, description="Cancel every working order of ours")
    foreign: StrictBool = Field(
        default=False,
        description="With cancel: also every order of the user that was placed elsewhere, by hand or by other programs",
    )
    flatten: StrictBool = Field(
        default=False, description="After the cancels have settled, bring every position to zero; includes cancel"
    )

    @model_validator(mode="after")
    def _foreign_goes_with_cancel(self) -> HaltBody:
        if self.foreign and not (self.cancel or self.flatten):
            raise ValueError("foreign goes with cancel or flatten")
        return self


@dataclass(frozen=True, slots=True)
class FailureAnswer:
    what: Annotated[str, Field(description="An order's id, or a symbol")]
    reason: str


@dataclass(frozen=True, slots=True)
class HaltAnswer:
    """What was stopped, and what was not."""

    state: Literal["active", "reducing", "halted"]
    cancelled: Annotated[tuple[str, ...], Field(description="Orders that are cancelled")]
    remaining: Annotated[tuple[FailureAnswer, ...], Field(description="Orders that still live, and why")]
    flattening: Annotated[tuple[str, ...], Field(description="The orders that bring positions to zero")]
    not_flattened: Annotated[tuple[FailureAnswer, ...], Field(description="Positions that stay, and why")]
    as_of: datetime


def halt_answer(report: HaltReport, as_of: datetime) -> HaltAnswer:
    return HaltAnswer(
        state=report.state.value,
        cancelled=report.cancelled,
        remaining=tuple(_failure(failure) for failure in report.remaining),
        flattening=report.flattening,
        not_flattened=tuple(_failure(failure) for failure in report.not_flattened),
        as_of=as_of,
    )


def _failure(failure: Failure) -> FailureAnswer:
    return FailureAnswer(failure.what, failure.reason)


HALTED = HaltAnswer(
    state="halted",
    cancelled=("01KAJ2M8YQ6Z3V5W7X9ABCDEFG",),
    remaining=(),
    flattening=(),
    not_flattened=(FailureAnswer("NESN", "IBKR did not answer the quote of NESN within 5 s."),),
    as_of=datetime(2026, 11, 20, 15, 30, tzinfo=UTC),
)
RESUMED = HaltAnswer("active", (), (), (), (), datetime(2026, 11, 20, 15, 30, tzinfo=UTC))
