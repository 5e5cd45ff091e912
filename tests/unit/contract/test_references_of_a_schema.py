"""A schema whose references lead nowhere, out of it or round in a circle is refused; any other is taken."""

from __future__ import annotations

import time
from typing import Any

import pytest

from errors import InvalidTask
from review import apart
from runtime_contract import Limits, normalize_task

ITEM = {"i": {"$id": "item", "type": "string"}}
TREE = {"properties": {"left": {"$ref": "#/$defs/tree"}}, "items": {"allOf": [{"$ref": "#/$defs/tree"}]}}


def take(schema: dict[str, Any]) -> None:
    normalize_task({"id": "t", "prompt": "x", "expect": {"schema": schema}}, Limits())


def refusal(schema: dict[str, Any]) -> str:
    with pytest.raises(InvalidTask) as refused:
        take(schema)
    assert refused.value.details["path"] == "task.expect.schema"
    return refused.value.message


@pytest.mark.parametrize(
    ("schema", "reference"),
    [
        ({"$anchor": "x", "$ref": "#nox"}, "$ref '#nox'"),
        ({"$dynamicRef": "#x"}, "$dynamicRef '#x'"),
        ({"items": {"$dynamicRef": "#/$defs/x"}}, "$dynamicRef '#/$defs/x'"),
        ({"$ref": "#/x", "x": {"$ref": "#/nope"}}, "$ref '#/nope'"),
        ({"$id": "http://x/a", "$ref": "#n", "$defs": {"b": {"$id": "b", "$anchor": "n"}}}, "$ref '#n'"),
        ({"$id": "http://x/a", "$ref": "b#/nope", "$defs": {"b": {"$id": "b"}}}, "$ref 'b#/nope'"),
    ],
)
def test_a_reference_to_what_is_not_there_leads_nowhere(schema: dict[str, Any], reference: str) -> None:
    assert refusal(schema).endswith(f"cannot be applied: its {reference} leads nowhere")


@pytest.mark.parametrize(
    "reference",
    ["http://x/y", "https://x/y#/z", "file:///etc/passwd", "other.json", "urn:x:y", "other#/$defs/i", "/b"],
)
@pytest.mark.parametrize("own_id", [{}, {"$id": "http://x/root"}])
def test_a_reference_out_of_the_schema_is_refused_as_nothing_is_fetched(
    reference: str, own_id: dict[str, Any]
) -> None:
    told = refusal({**own_id, "properties": {"a": {"$ref": reference}}, "$defs": ITEM})
    assert f"its $ref '{reference}' leads out of it, and nothing is fetched" in told
    assert told.endswith("put what it names under $defs")


def test_a_reference_to_what_is_no_schema_is_refused() -> None:
    assert refusal({"$ref": "#/required", "required": ["a"]}).endswith("leads to what is no schema")


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"$ref": ""},
        {"$id": "http://x/a", "$ref": "a"},
        {"$anchor": "x", "$ref": "#x"},
        {"$dynamicAnchor": "x", "$dynamicRef": "#x"},
        *({keyword: [True, {"$ref": "#"}]} for keyword in ("allOf", "anyOf", "oneOf")),
        {"not": {"$ref": "#"}},
        {"if": {"$ref": "#"}},
        {"if": True, "then": {"$ref": "#"}},
        {"if": False, "else": {"not": {"$ref": "#"}}},
        {"dependentSchemas": {"a": {"$ref": "#"}}},
        {"properties": {"a": {"$ref": "#/properties/a"}}},
        {
            "items": {"$ref": "#/$defs/a"},
            "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/b"}]}, "b": {"not": {"$ref": "#/$defs/a"}}},
        },
        {"$ref": "#/x", "x": {"allOf": [{"$ref": "#/x"}]}},
    ],
)
def test_a_reference_that_leads_back_to_the_same_part_of_the_answer_is_refused(
    schema: dict[str, Any],
) -> None:
    assert refusal(schema).endswith("leads back to itself at the same part of the answer, without end")


def test_the_reference_that_leads_back_is_named() -> None:
    told = refusal({"allOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"not": {"$ref": "#"}}}})
    assert "its $ref '#" in told


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/$defs/tree", "$defs": {"tree": TREE}},
        {"additionalProperties": {"$ref": "#"}, "prefixItems": [{"$ref": "#"}]},
        {"contains": {"$ref": "#"}, "propertyNames": {"$ref": "#"}},
        {"unevaluatedProperties": {"$ref": "#"}, "unevaluatedItems": {"$ref": "#"}},
        {"patternProperties": {"^a": {"$ref": "#"}}},
        {"$dynamicAnchor": "node", "items": {"$dynamicRef": "#node"}},
        {"$dynamicRef": "#n", "$defs": {"n": {"$anchor": "n"}}},
        {"then": {"$ref": "#"}},
        {"$id": "http://x/root", "$ref": "item", "$defs": ITEM},
        {"$id": "http://x/root", "$ref": "http://x/item", "$defs": ITEM},
        {"$ref": "item", "$defs": ITEM},
        {"$id": "http://x/root", "items": {"$ref": "root"}},
        {"$id": "http://x/a", "$ref": "b#n", "$defs": {"b": {"$id": "b", "$defs": {"c": {"$anchor": "n"}}}}},
        {"$ref": "#/$defs/a%20b", "$defs": {"a b": {}}},
        {"$ref": "#/$defs/yes", "$defs": {"yes": True}},
        {"$ref": "#/x/y", "x": {"y": {"items": {"$ref": "#/x/y"}}}},
        {"const": {"$ref": "http://x/y"}, "properties": {"$ref": {"type": "string"}}},
        {"$ref": "https://json-schema.org/draft/2020-12/schema"},
        {"items": {"$ref": "https://json-schema.org/draft/2020-12/meta/core"}},
        {"$ref": "http://json-schema.org/draft-07/schema#"},
        {"allOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/a"}], "$defs": {"a": {"type": "object"}}},
    ],
)
def test_what_leads_somewhere_is_taken_and_the_critics_can_apply_it(schema: dict[str, Any]) -> None:
    take(schema)
    apart.schema_errors({"a": [{"left": {}}], "b": {}}, schema, 3)


def test_a_long_chain_of_references_through_parts_of_the_answer_is_taken_soon() -> None:
    links = 1_000
    chain = {f"d{at}": {"items": {"$ref": f"#/$defs/d{at + 1}"}} for at in range(links)}

    began = time.monotonic()
    take({"$ref": "#/$defs/d0", "$defs": {**chain, f"d{links}": {}}})

    assert time.monotonic() - began < 20
