"""Facts are asked once, in bounded time, and one that fails stops no other."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from toolkit.config.settings import Flags, load_settings
from toolkit.errors import DeniedError, ExitCode, ToolkitError, UnreachableError
from toolkit.rollout.health.facts import Voice
from toolkit.spec.doctor import Check, DoctorReport, Right
from toolkit.views import doctor as view
from toolkit.workflows.doctor import NAMES, chosen
from toolkit.workflows.doctor.ask_edge import watching
from toolkit.workflows.doctor.checks import CHECKS, FACTS
from toolkit.workflows.doctor.gather import Fact, Looks, closure, gather
from toolkit.workflows.session import Session, open_session

LONG = 60.0
"""Seconds that no test takes: what is waited for comes."""


@pytest.fixture
def session(tmp_path: Any) -> Session:
    """A session that calls nobody by itself."""
    settings = load_settings(Flags(), {"NOMAD_ADDR": "http://127.0.0.1:1"}, tmp_path)
    return open_session(settings)


def fact(name: str, give: Any = None, **how: Any) -> Fact:
    """A fact that is `give`, or raises it, or is what it returns."""

    def ask(_session: Session, done: Looks) -> Any:
        if isinstance(give, Exception):
            raise give
        return give(done) if callable(give) else give

    return Fact(name, ask, **how)


def test_a_fact_comes_after_what_it_builds_on(session: Session) -> None:
    facts = [
        fact("sum", lambda done: done["a"].value + done["b"].value, after=("a", "b")),
        fact("a", 1),
        fact("b", lambda done: done["a"].value + 1, after=("a",)),
    ]
    for threads in (1, 3):
        assert gather(session, facts, timeout=LONG, threads=threads)["sum"].value == 3


def test_an_error_is_a_look_and_stops_no_other(session: Session) -> None:
    facts = [
        fact("denied", DeniedError("no", system="Nomad", hint="ask somebody")),
        fact("odd", KeyError("a key that is not there")),
        fact("well", 1),
    ]
    seen = gather(session, facts, timeout=LONG)
    assert (seen["denied"].kind, seen["denied"].hint) == ("denied", "ask somebody")
    assert seen["odd"].kind == "broken"
    assert "a key that is not there" in seen["odd"].problem
    assert seen["well"].value == 1


@pytest.mark.parametrize(
    ("voice", "said"),
    [
        (UnreachableError("refused", system="Nomad"), "Nomad does not answer, see the check nomad"),
        (Voice("a", "", "No cluster leader", None), "Nomad has no leader"),
    ],
)
def test_nobody_is_asked_in_vain(session: Session, voice: Any, said: str) -> None:
    asked: list[Looks] = []
    facts = [
        fact("nomad_leader", voice),
        fact("nodes", asked.append, alive=("nomad_leader",)),
    ]
    seen = gather(session, facts, timeout=LONG)
    assert said in seen["nodes"].problem
    assert asked == []


def test_what_needs_no_leader_is_asked_without_one(session: Session) -> None:
    facts = [
        fact("nomad_leader", Voice("a", "", "No cluster leader", None)),
        fact("agent", "here", alive=("nomad_leader",), leaderless=True),
    ]
    assert gather(session, facts, timeout=LONG)["agent"].value == "here"


def test_a_fact_that_does_not_come_is_late_and_the_others_are_there(session: Session) -> None:
    answer = threading.Event()
    facts = [
        fact("well", 1),
        fact("stuck", lambda _done: answer.wait(LONG)),
        fact("behind", 1, after=("stuck",)),
    ]
    try:
        seen = gather(session, facts, timeout=0.5, threads=2)
    finally:
        answer.set()
    assert [seen[name].kind for name in ("stuck", "behind")] == ["late", "late"]
    assert "0.5 s" in seen["stuck"].problem


def test_only_what_the_chosen_checks_need_is_asked_for() -> None:
    items = chosen(["nomad-clients"])
    names = [fact.name for fact in closure(FACTS, items[0].needs)]
    assert names == ["nomad_leader", "nodes"]


def test_every_fact_is_needed_by_some_check_and_none_is_unknown() -> None:
    needed = closure(FACTS, (name for item in CHECKS for name in item.needs))
    assert {fact.name for fact in needed} == {fact.name for fact in FACTS}
    assert len(set(NAMES)) == len(NAMES)


def test_checks_keep_their_order_and_an_unknown_one_is_a_usage_error() -> None:
    assert [item.name for item in chosen(["tls", "nomad"])] == ["nomad", "tls"]
    with pytest.raises(ToolkitError) as caught:
        chosen(["nomad", "no-such-check"])
    assert caught.value.code == ExitCode.USAGE
    assert "nomad-servers" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ([], 0),
        (["passed", "passed"], 0),
        (["passed", "could not tell"], 5),
        (["could not tell", "failed", "passed"], 1),
    ],
)
def test_the_exit_code(words: list[Any], code: int) -> None:
    checks = tuple(Check(f"c{n}", word, "said") for n, word in enumerate(words))
    assert DoctorReport("dev", "http://a", "http://b", "default", checks).code == code


def test_the_lines_say_the_word_and_what_to_do() -> None:
    report = DoctorReport(
        "dev", "http://a:4646", "http://b", "default",
        (
            Check("nomad", "passed", "it answers"),
            Check("edge", "failed", "it does not", ("seen this",), ("a note",), "do that"),
            Check("rights", "could not tell", "hidden"),
        ),
        (Right("deploy", "could not tell", ("submit-job",)),),
        1.25,
    )  # fmt: skip
    assert view.lines(report) == [
        "dev · a:4646 · namespace default",
        "passed          nomad   it answers",
        "failed          edge    it does not",
        "  seen      seen this",
        "  note      a note",
        "  advice    do that",
        "could not tell  rights  hidden",
        "failed    3 checks: 1 passed, 1 failed, 1 could not tell, in 1.2 s",
    ]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ([], None),
        (["--providers.nomad.watch=true"], None),
        (["--providers.consulcatalog.endpoint.address=127.0.0.1:8500"], False),
        (["--providers.consulCatalog=true", "--providers.consulCatalog.watch=true"], True),
        (["--providers.consulcatalog.watch"], True),
        (["--providers.consulcatalog.watch=true", "--providers.consulcatalog.watch=false"], False),
    ],
)
def test_whether_traefik_watches(arguments: list[str], word: bool | None) -> None:
    assert watching(arguments) is word


def test_our_own_bug_is_no_answer_of_the_cluster(session: Session) -> None:
    with pytest.raises(RuntimeError, match="ours"):
        gather(session, [fact("x", RuntimeError("ours"))], timeout=LONG)
