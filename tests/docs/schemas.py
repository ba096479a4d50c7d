"""The published JSON Schemas: every document that a test sees is held against its own.

`python -m tests.docs.schemas` writes them to docs/schemas.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, ValidationError

from toolkit.views.schemas import known, schema

FOLDER = Path(__file__).parents[2] / "docs" / "schemas"

LINE = 80

INDEX = """\
# JSON Schemas

With `--json` a command prints one document on standard output, whatever became of it; `toolkit
logs` prints one a line. The key `schema` of a document names what it is and its number. Here is a
[JSON Schema](https://json-schema.org) (draft 2020-12) for each; `toolkit schema NAME` prints the
same, in the version that is installed.

- The schemas are strict: all keys are always there, null where there is nothing to say.
- A new key or a new word leaves the number as it is: read the keys that you know. A key that is
  taken away, or that means something else, raises it.
- Every outcome of a rollout has `verdict` and `code` at the top, an error included, so that
  `jq -r .verdict` reads them all.

| document | schema | what it is |
|---|---|---|
"""


@cache
def _validator(name: str) -> Draft202012Validator:
    path = FOLDER / f"{name}.json"
    assert path.exists(), f"docs/schemas has no {name}.json"
    found = json.loads(path.read_text())
    Draft202012Validator.check_schema(found)
    return Draft202012Validator(found)


def name_of(document: dict[str, Any]) -> str:
    """`deploy` of a document that says `toolkit.deploy/1`."""
    label = str(document.get("schema"))
    assert label.startswith("toolkit.") and "/" in label, f"a document without a schema: {label}"
    return label.removeprefix("toolkit.").partition("/")[0]


def mistakes(document: dict[str, Any]) -> Iterator[str]:
    """Where the document is not what its schema says, each with its path."""
    for error in _validator(name_of(document)).iter_errors(document):
        for leaf in _leaves(error):
            yield f"{leaf.json_path}: {leaf.message}"


def _leaves(error: ValidationError) -> Iterator[ValidationError]:
    """The mistakes inside a part that may be null as well."""
    inner = [each for each in error.context or () if each.validator_value != "null"]
    if not inner:
        yield error
    for each in inner:
        yield from _leaves(each)


def check(document: dict[str, Any]) -> None:
    """AssertionError with the path of each mistake for a document that breaks its schema."""
    found = list(mistakes(document))
    assert not found, f"{document['schema']}:\n" + "\n".join(found)


def check_printed(output: str) -> None:
    """The same for what a command printed with --json: one document, or one a line."""
    try:
        found = [json.loads(output)]
    except json.JSONDecodeError:
        found = [json.loads(line) for line in output.splitlines()]
    for document in found:
        check(document)


def _readable(found: dict[str, Any]) -> str:
    """JSON with its short lists on one line each."""
    text = json.dumps(found, indent=2, ensure_ascii=False)
    return re.sub(r"\[\s+([^][{}]*?)\s+\]", _on_one_line, text)


def _on_one_line(match: re.Match[str]) -> str:
    short = "[" + re.sub(r"\n\s+", " ", match[1]) + "]"
    return short if len(short) <= LINE else match[0]


def files() -> dict[str, str]:
    """What docs/schemas should hold, by file name."""
    result = {f"{name}.json": _readable(schema(name)) + "\n" for name in known()}
    rows = [
        f"| `{schema(name)['title']}` | [{name}.json]({name}.json) | {what} |"
        for name, what in sorted(known().items())
    ]
    result["README.md"] = INDEX + "\n".join(rows) + "\n"
    return result


def write() -> None:
    """Write them, and take away what is no document any more."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    wanted = files()
    for path in FOLDER.iterdir():
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (FOLDER / name).write_text(text)


if __name__ == "__main__":
    write()
    sys.stdout.write(f"{len(files())} files in docs/schemas\n")
