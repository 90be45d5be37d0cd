"""A caller's words for a contract."""

from __future__ import annotations

import pytest

from ibkr_bridge.api.contracts import Words
from ibkr_bridge.domain.contract import ContractQuery
from ibkr_bridge.domain.errors import InvalidRequest

PAIR = ContractQuery("EUR", sec_type="CASH", exchange="IDEALPRO", currency="USD")


@pytest.mark.parametrize(
    ("words", "query"),
    [
        (Words("AAPL"), ContractQuery("AAPL")),
        (Words("AAPL", exchange="NYSE", currency="CHF"), ContractQuery("AAPL", exchange="NYSE", currency="CHF")),
        (Words("EUR.USD"), PAIR),
        (Words("EUR.USD", exchange="SMART", currency="USD"), PAIR),
        (Words("EUR", sec_type="cash"), PAIR),
        (Words("BRK.B"), ContractQuery("BRK.B")),
        (Words("EUR.USD", sec_type="STK"), ContractQuery("EUR.USD")),
        (
            Words(local_symbol="ESZ6", sec_type="fut", exchange="CME"),
            ContractQuery("", 0, "FUT", "CME", "USD", "", "ESZ6"),
        ),
        (Words(conid=8314), ContractQuery("", 8314, "", "", "")),
        (Words("IBM", 8314, exchange="NYSE"), ContractQuery("IBM", 8314, "", "NYSE", "")),
    ],
)
def test_words_become_a_query(words: Words, query: ContractQuery) -> None:
    assert words.query() == query


@pytest.mark.parametrize(("words", "field"), [(Words(), "symbol"), (Words("EUR.USD", currency="CHF"), "currency")])
def test_words_that_name_nothing_or_two_things_are_refused(words: Words, field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        words.query()
    assert refused.value.facts["errors"] == [{"field": field, "message": refused.value.detail}]
