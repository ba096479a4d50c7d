"""What rendered templates look like, to the character, but for what the boot scripts' bytes are."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.templates import KICK_POLICY, MATRIX
from toolkit.cluster.template import render_template

GOLDEN = Path(__file__).parent
CASES = ("plain", "full", "lonely")
_HEX = re.compile(r"(?<![0-9a-f])(?:[0-9a-f]{64}|[0-9a-f]{16})(?![0-9a-f])")


def readable(name: str) -> str:
    """A template, indented, with names in place of the boot scripts and of digests of them."""
    document = json.loads(render_template(MATRIX[name], KICK_POLICY).body)
    for resource in document["Resources"].values():
        if resource["Type"] == "AWS::SSM::Parameter":
            resource["Properties"]["Value"] = "a part of a boot script"
    return json.dumps(_without_digests(document), indent=1, ensure_ascii=False) + "\n"


def _without_digests(value: Any) -> Any:
    match value:
        case str():
            return _HEX.sub("DIGEST", value)
        case dict():
            return {key: _without_digests(each) for key, each in value.items()}
        case list():
            return [_without_digests(each) for each in value]
    return value


@pytest.mark.parametrize("name", CASES)
def test_a_template_is_what_it_was(name: str, regenerate: bool) -> None:
    path = GOLDEN / f"{name}.template.json"
    text = readable(name)
    if regenerate:
        path.write_text(text)
    assert text == path.read_text(), "run pytest tests/golden --regenerate-golden and read the diff"


def test_no_golden_template_is_left_over() -> None:
    expected = {f"{name}.template.json" for name in CASES}
    assert {path.name for path in GOLDEN.glob("*.json")} == expected
