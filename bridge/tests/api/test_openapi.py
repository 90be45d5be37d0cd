"""The description of the API is complete and its examples are true."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import jsonschema  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from bridge.tests.api.conftest import Caller, Calling


def operations(description: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            yield f"{method} {path}", operation


def check(value: Any, schema: dict[str, Any], description: dict[str, Any]) -> None:
    jsonschema.validate(value, {**schema, "components": description["components"]})


async def test_every_operation_is_described_with_examples_and_refusals(caller: Caller) -> None:
    description = (await caller.get("/openapi.json"))[1]
    found = dict(operations(description))
    assert len(found) == 50
    for name, operation in found.items():
        assert operation["summary"], name
        assert operation["description"], name
        good = [(code, answer) for code, answer in operation["responses"].items() if code < "400"]
        for code, answer in good:
            content = answer["content"]["application/json"]
            assert answer["description"] != "Successful Response", (name, code)
            check(content["example"], content["schema"], description)
        bad = [answer for code, answer in operation["responses"].items() if code >= "400"]
        assert len(bad) >= 4, name
        for answer in bad:
            content = answer["content"]["application/problem+json"]
            check(content["example"], content["schema"], description)
        for parameter in operation.get("parameters", ()):
            assert parameter["description"], (name, parameter["name"])


async def test_the_examples_of_bodies_are_accepted(caller: Caller) -> None:
    description = (await caller.get("/openapi.json"))[1]
    for name, operation in operations(description):
        if "requestBody" not in operation:
            continue
        content = operation["requestBody"]["content"]["application/json"]
        assert content["examples"], name
        for example in content["examples"].values():
            check(example["value"], content["schema"], description)
    content = description["paths"]["/orders"]["post"]["requestBody"]["content"]["application/json"]
    for example in content["examples"].values():
        status, answer = await caller.post("/orders", {**example["value"], "account": caller.account})
        assert status == 201, answer


async def test_numbers_are_numbers_and_nothing_of_the_framework_shows(caller: Caller) -> None:
    description = (await caller.get("/openapi.json"))[1]
    schemas = description["components"]["schemas"]
    assert schemas["OrderAnswer"]["properties"]["qty"] == {"type": "number", "title": "Qty"}
    assert "HTTPValidationError" not in schemas
    assert "Problem" in schemas


async def test_the_documentation_pages_are_served(caller: Caller) -> None:
    for path in ("/docs", "/redoc"):
        assert "openapi.json" in await caller.text(path)


async def test_a_required_key_is_described(calling: Calling) -> None:
    async with calling(required_api_key="hush", api_key_header="X-Door") as caller:
        description = (await caller.get("/openapi.json", headers={"X-Door": "hush"}))[1]
        assert description["components"]["securitySchemes"]["key"]["name"] == "X-Door"
        assert "401" in description["paths"]["/orders"]["get"]["responses"]
        assert description["paths"]["/livez"]["get"]["security"] == []
