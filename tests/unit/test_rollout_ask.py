"""The release in an answer: said, not said, or not readable."""

from __future__ import annotations

import json

import pytest

from toolkit.clients.http import Answer
from toolkit.rollout.ask import Served, read_release, summary
from toolkit.spec.jobspec import ServedRelease

HEADER = ServedRelease("/", header="X-Release")
BODY = ServedRelease("/", json="build.releases.0")


def test_the_header_is_found_in_any_case_whatever_the_status() -> None:
    assert read_release(Answer(200, {"x-release": "1.0.0"}), HEADER) == Served("1.0.0")
    assert read_release(Answer(503, {"X-Release": "1.0.0"}), HEADER) == Served("1.0.0")


def test_no_header() -> None:
    assert read_release(Answer(404, {}), HEADER) == Served(
        None, "HTTP 404 without header X-Release"
    )


def test_no_answer() -> None:
    refused = Answer(None, error="connection refused")
    assert read_release(refused, HEADER) == Served(None, "connection refused")
    assert read_release(refused, BODY) == Served(None, "connection refused")


@pytest.mark.parametrize(
    ("document", "release"),
    [
        ({"build": {"releases": ["1.0.0", "0.9.0"]}}, "1.0.0"),
        ({"build": {"releases": {"0": "1.0.0"}}}, "1.0.0"),
        ({"build": {"releases": [7]}}, "7"),
    ],
)
def test_a_path_into_json(document: object, release: str) -> None:
    assert read_release(Answer(200, body=json.dumps(document).encode()), BODY) == Served(release)


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"null", b'"text"', b'{"build": {}}', b'{"build": {"releases": []}}',
     b'{"build": {"releases": 7}}', b'{"build": {"releases": "1.0.0"}}', b"\xff\xfe"],
)  # fmt: skip
def test_json_without_a_release_there(body: bytes) -> None:
    found = read_release(Answer(200, body=body), BODY)
    assert found.release is None
    assert found.problem == "no release at build.releases.0 in the answer"


@pytest.mark.parametrize(
    "body", [b'{"build": {"releases": [null]}}', b'{"build": {"releases": [{}]}}']
)
def test_json_that_holds_no_word_there(body: bytes) -> None:
    assert read_release(Answer(200, body=body), BODY).release is None


def test_a_body_that_comes_with_an_error_is_not_believed() -> None:
    body = json.dumps({"build": {"releases": ["1.0.0"]}}).encode()
    assert read_release(Answer(500, body=body), BODY) == Served(None, "HTTP 500")


def test_answers_are_counted_by_what_they_said() -> None:
    answers = [Served("1.1.0"), Served("1.0.0"), Served("1.1.0"), Served(None, "HTTP 502")]
    assert summary(answers) == "1.1.0 ×2, 1.0.0 ×1, HTTP 502 ×1"
    assert summary([Served(None)]) == "an answer ×1"
