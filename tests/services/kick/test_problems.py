"""Problem documents: one for each thing that goes wrong, and the page that lists them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from kick.about import ABOUT
from kick.problems import KINDS

from tests.services.kick.rig import SHOP, WEB, Rig
from toolkit.clients.dns.provider import BatchRefusedError, BusyError, ReplyLostError
from toolkit.dns.values import BadRecordError, Wrong
from toolkit.errors import (
    AbsentError,
    AuditBrokenError,
    AuditError,
    ChangedError,
    DeniedError,
    ForbiddenError,
    IdentityError,
    KeyReusedError,
    ServerError,
    TakenError,
    ToolkitError,
    UnavailableError,
    UnreachableError,
)
from toolkit.serving.answers import problem_of
from toolkit.serving.problems import ProblemError

PAGE = Path(__file__).parents[3] / "docs" / "kick.md"


@pytest.mark.parametrize(
    ("error", "status", "slug"),
    [
        (IdentityError("no", reason="expired"), 401, "unidentified"),
        (IdentityError("no", reason="too-many"), 429, "too-many"),
        (ForbiddenError("no"), 403, "forbidden"),
        (BadRecordError([Wrong("ttl", "must be less")]), 422, "invalid"),
        (TakenError("no", owner="a/b of cluster c"), 409, "conflict"),
        (AbsentError("no"), 404, "not-found"),
        (ChangedError("no"), 412, "precondition-failed"),
        (KeyReusedError("no"), 422, "key-reused"),
        (UnavailableError("no", after=0.2), 503, "unavailable"),
        (AuditError("no"), 503, "audit-unavailable"),
        (AuditBrokenError("no"), 500, "audit-broken"),
        (BusyError("no", system="Route 53"), 503, "unavailable"),
        (BatchRefusedError("no", system="Route 53", reasons=["why"]), 502, "provider-refused"),
        (ReplyLostError("no", system="Route 53"), 502, "outcome-unknown"),
        (UnreachableError("no", system="Nomad"), 503, "unavailable"),
        (ServerError("no", system="Nomad"), 503, "unavailable"),
        (DeniedError("no", system="Route 53"), 503, "unavailable"),
        (ToolkitError("secret"), 500, "bug"),
        (RuntimeError("secret"), 500, "bug"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_each_error_is_one_kind_of_problem(error: Exception, status: int, slug: str) -> None:
    problem = problem_of(error, ABOUT)
    assert (problem.kind.status, problem.kind.slug) == (status, slug)
    assert ("Retry-After" in problem.headers) == (status in (429, 503))
    assert "secret" not in problem.detail
    document = problem.document("id")
    assert list(document)[:5] == ["type", "title", "status", "detail", "instance"]


@pytest.mark.parametrize(
    "error",
    [
        TakenError("no", owner="a\x1b[2J/b of cluster " + "c" * 4000),
        BatchRefusedError("no", system="Route 53", reasons=["why\x1b[2J" + "y" * 4000] * 99),
        ForbiddenError("no", hint="do\x1b[2J" + "o" * 4000),
    ],
    ids=lambda error: type(error).__name__,
)
def test_texts_of_others_are_cut_and_no_terminal_obeys_them(error: Exception) -> None:
    text = json.dumps(problem_of(error, ABOUT).document("id"), ensure_ascii=False)
    assert "\\u001b" not in text
    assert "[2J" in text
    assert len(text) < 8000


def test_what_to_do_about_it_goes_with_it() -> None:
    assert problem_of(TakenError("no", hint="ask", owner="x"), ABOUT).members == {
        "owner": "x", "hint": "ask",
    }  # fmt: skip
    refused = BatchRefusedError("no", system="Route 53", reasons=["r"] * 30)
    assert len(problem_of(refused, ABOUT).members["reasons"]) == 20


def test_a_detail_is_bounded_and_free_of_control_characters() -> None:
    document = ProblemError("forbidden", "\x1b[2J" + "a" * 9000).document("id")
    assert "\x1b" not in document["detail"]
    assert len(document["detail"]) < 2010


def test_a_document_says_what_and_which_request(rig: Rig) -> None:
    answer = rig.ask("DELETE", "/record/shop.apps.example.com")
    assert answer.headers["Content-Type"] == "application/problem+json"
    said = answer.json()
    assert said["instance"] == f"/requests/{answer.headers['X-Request-Id']}"
    assert rig.log()[-1]["request"] == answer.headers["X-Request-Id"]
    assert (said["type"], said["title"]) == ("/problems/not-found", KINDS["not-found"].title)


def test_the_table_of_the_documentation_is_whole() -> None:
    rows = re.findall(r"^\| `/problems/([a-z-]+)` \| (\d+) \|", PAGE.read_text(), re.MULTILINE)
    assert rows == [(kind.slug, str(kind.status)) for kind in KINDS.values()]


def test_a_conflict_names_the_owner_to_whoever_may_ask(rig: Rig) -> None:
    body = {"hostname": "shop.apps.example.com", "ip_address": "203.0.113.7"}
    rig.ask("POST", "/records", SHOP, body)
    said = rig.ask("POST", "/records", WEB, body).json()
    assert said["owner"] == "default/shop of cluster blue"
    assert "default/shop" in said["detail"]
