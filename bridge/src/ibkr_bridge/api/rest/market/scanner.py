"""GET and POST /market/scanner, GET /market/scanner/parameters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Query, Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from ibkr_bridge.api.json import JsonAnswer
from ibkr_bridge.api.openapi import answers
from ibkr_bridge.api.rest.market.research_schemas import LISTING, AsOf, ListingAnswer, Stale, listing_answer
from ibkr_bridge.api.routing import ExactRoute
from ibkr_bridge.api.state import TheEngine
from ibkr_bridge.domain.errors import InvalidRequest
from ibkr_bridge.engine.engine import Engine
from ibkr_bridge.ports.research import ScanRequest, ScanWord

router = APIRouter(prefix="/market/scanner", tags=["market"], route_class=ExactRoute, default_response_class=JsonAnswer)

MOST_ROWS: Final = 50
"""IBKR gives no more (TWS API, "Market Scanners")."""
_WORD: Final = r"^[A-Za-z0-9._-]+$"
_VALUE: Final = r"^[A-Za-z0-9.,+ _-]+$"
_FILTER: Final = r"^[A-Za-z0-9._-]+:[A-Za-z0-9.,+ _-]+$"
_EXAMPLE: Final = {
    "instrument": "STK",
    "location": "STK.US.MAJOR",
    "scan": "TOP_PERC_GAIN",
    "filters": {"priceAbove": 5},
    "limit": 10,
}


def _written(value: object) -> object:
    """A number as it was written."""
    return value if isinstance(value, str | bool) or value is None else format(value, "f" if "." in str(value) else "")


_SCHEMA = WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string", "maxLength": 64}]})
Word = Annotated[str, Field(min_length=1, max_length=64, pattern=_WORD)]
Value = Annotated[str, Field(min_length=1, max_length=64, pattern=_VALUE), BeforeValidator(_written), _SCHEMA]
Limit = Annotated[int, Field(ge=1, le=MOST_ROWS, description="Contracts in the answer.")]


class ScanBody(BaseModel):
    """IBKR's own words; GET /market/scanner/parameters lists them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    scan: Word
    instrument: Word = "STK"
    location: Word = "STK.US.MAJOR"
    filters: Annotated[dict[Word, Value], Field(max_length=20)] = {}
    limit: Limit = MOST_ROWS

    def request(self) -> ScanRequest:
        return ScanRequest(self.instrument, self.location, self.scan, tuple(sorted(self.filters.items())), self.limit)


@dataclass(frozen=True, slots=True)
class ScannedAnswer:
    """`value` is what the scan sorts by, as IBKR writes it; null where it does not say."""

    rank: int
    value: str | None
    contract: ListingAnswer


@dataclass(frozen=True, slots=True)
class ScanAnswer:
    contracts: tuple[ScannedAnswer, ...]
    next_cursor: str | None
    as_of: AsOf
    stale: Stale


@dataclass(frozen=True, slots=True)
class WordAnswer:
    code: str
    title: str


@dataclass(frozen=True, slots=True)
class ParametersAnswer:
    instruments: tuple[WordAnswer, ...]
    locations: tuple[WordAnswer, ...]
    scans: tuple[WordAnswer, ...]
    filters: tuple[WordAnswer, ...]
    as_of: AsOf
    stale: Stale


_AT = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)
SCAN = ScanAnswer((ScannedAnswer(1, "+2.41%", LISTING),), None, _AT, None)
PARAMETERS = ParametersAnswer(
    (WordAnswer("STK", "US Stocks"),),
    (WordAnswer("STK.US.MAJOR", "Listed/NASDAQ"),),
    (WordAnswer("TOP_PERC_GAIN", "Top % Gainers"),),
    (WordAnswer("priceAbove", "Price Above"),),
    _AT,
    None,
)
_SCANNED: dict[str, Any] = {
    "response_model": ScanAnswer,
    "responses": answers(SCAN, 422, 501, 503, 504, says="What the scan finds, the first in rank first."),
}


@router.post("", summary="Scan the market", **_SCANNED)
async def scan(
    engine: TheEngine,
    body: Annotated[ScanBody, Body(openapi_examples={"gainers": {"summary": "Gainers", "value": _EXAMPLE}})],
) -> Response:
    """One look; nothing is kept open. Changes nothing, here or at IBKR."""
    return await _scanned(engine, body.request())


@router.get("", summary="Scan the market, by query", **_SCANNED)
async def scan_by_query(
    engine: TheEngine,
    scan: Annotated[
        str,
        Query(min_length=1, max_length=64, pattern=_WORD, description="IBKR's code.", examples=["TOP_PERC_GAIN"]),
    ],
    instrument: Annotated[
        str, Query(min_length=1, max_length=64, pattern=_WORD, description="What is looked through.")
    ] = "STK",
    location: Annotated[str, Query(min_length=1, max_length=64, pattern=_WORD, description="Where.")] = "STK.US.MAJOR",
    filter: Annotated[  # noqa: A002  the name that callers write
        list[Annotated[str, Field(max_length=129, pattern=_FILTER)]] | None,
        Query(max_length=20, description="`name:value`; may be repeated.", examples=[["priceAbove:5"]]),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_ROWS, description="Contracts in the answer.")] = MOST_ROWS,
) -> Response:
    """The same as POST, for what fits into an address."""
    pairs = [(name, value) for name, _colon, value in (one.partition(":") for one in filter or ())]
    if len(dict(pairs)) < len(pairs):
        raise InvalidRequest("A filter is named twice.", field="filter")
    return await _scanned(engine, ScanRequest(instrument, location, scan, tuple(sorted(pairs)), limit))


@router.get(
    "/parameters",
    summary="What a scan may ask for",
    response_model=ParametersAnswer,
    responses=answers(PARAMETERS, 501, 503, 504, says="IBKR's words and what they mean."),
)
async def parameters(engine: TheEngine) -> Response:
    """Kept for an hour: the list is long, and IBKR's Web API gives it once in a quarter of an hour."""
    seen = await engine.research.scan_parameters()
    told = seen.value
    return JsonAnswer(
        ParametersAnswer(
            _words(told.instruments),
            _words(told.locations),
            _words(told.scans),
            _words(told.filters),
            seen.as_of,
            seen.stale,
        )
    )


async def _scanned(engine: Engine, request: ScanRequest) -> Response:
    seen = await engine.research.scan(request)
    rows = tuple(ScannedAnswer(row.rank, row.value, listing_answer(row.listing)) for row in seen.value)
    return JsonAnswer(ScanAnswer(rows, None, seen.as_of, seen.stale))


def _words(words: tuple[ScanWord, ...]) -> tuple[WordAnswer, ...]:
    return tuple(WordAnswer(word.code, word.title) for word in words)
