"""The published schemas are those of the program, are strict, and notice what is wrong."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.docs.schemas import FOLDER, check, files, mistakes
from tests.unit.test_cli_json_contract import CONTRACT
from toolkit.views.schemas import explaining, known, looking, parts, schema, work

NAMES = sorted(known())


def test_what_is_published_is_what_the_program_prints() -> None:
    published = {path.name: path.read_text() for path in FOLDER.iterdir()}
    assert published == files(), "python -m tests.docs.schemas writes them"


def test_no_document_and_no_part_is_described_twice() -> None:
    rooms = (parts, looking, explaining, work)
    for table in ("PARTS", "DOCUMENTS"):
        names = [name for room in rooms for name in getattr(room, table, {})]
        assert len(names) == len(set(names)), table


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_one(name: str) -> None:
    Draft202012Validator.check_schema(schema(name))
    assert schema(name)["title"].startswith(f"toolkit.{name}/")


def objects(part: Any, path: str = "$") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(part, dict):
        if part.get("type") in ("object", ["object", "null"]):
            yield path, part
        for key, value in part.items():
            yield from objects(value, f"{path}.{key}")


@pytest.mark.parametrize("name", NAMES)
def test_every_object_names_all_its_keys_and_every_key_is_explained(name: str) -> None:
    for path, part in objects(schema(name)):
        if isinstance(part["additionalProperties"], dict):
            continue
        assert part["additionalProperties"] is False, path
        assert part["required"] == list(part["properties"]), path
        for key, value in part["properties"].items():
            inner = value.get("anyOf", [value])[0]
            assert "description" in value or "$ref" in inner, f"{path}.{key}"


@pytest.mark.parametrize(("label", "document", "keys"), CONTRACT)
def test_a_document_is_what_its_schema_says(
    label: str, document: dict[str, Any], keys: str
) -> None:
    check(document)


@pytest.mark.parametrize(("label", "document", "keys"), CONTRACT)
def test_a_document_that_is_wrong_is_noticed(
    label: str, document: dict[str, Any], keys: str
) -> None:
    for wrong in broken(document):
        assert list(mistakes(wrong)), wrong


def broken(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The document with one key too many, and without each of its keys, at every depth."""
    yield {**document, "more": 1}
    for key, value in document.items():
        if key == "schema":
            continue
        yield {other: item for other, item in document.items() if other != key}
        if isinstance(value, bool | int | str):
            yield {**document, key: {"of": "another kind"}}
        if isinstance(value, list) and value and isinstance(value[0], dict):
            for inner in broken(value[0]):
                yield {**copy.deepcopy(document), key: [inner]}


def test_words_that_are_not_ours_are_noticed() -> None:
    deploy = next(document for label, document, _ in CONTRACT if label == "toolkit.deploy/1")
    for change in ({"verdict": "fine"}, {"code": 11}, {"verdict": None}, {"version": -1}):
        assert list(mistakes({**deploy, **change})), change
    [said] = mistakes({**deploy, "verdict": "fine"})
    assert said.startswith("$.verdict: 'fine' is not one of")


def test_a_document_without_a_schema_is_noticed() -> None:
    for document in ({}, {"schema": "deploy"}, {"schema": "toolkit.nonsense/1"}):
        with pytest.raises(AssertionError):
            check(document)
