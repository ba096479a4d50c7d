"""Who waits for whom in a stack, and whose turn it is."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from toolkit.errors import ConfigError
from toolkit.spec.depends import Need
from toolkit.spec.jobspec import JobKind, JobSpec, Origin
from toolkit.spec.rendered import RenderedJob
from toolkit.spec.stack import StackJob
from toolkit.workflows.stack.board import Board, only, turned
from toolkit.workflows.stack.order import arrange, circles, mistakes, nature

NONE: Mapping[str, tuple[str, ...]] = {}


def job(name: str, *depends: str, kind: JobKind = "service", more: str = "") -> RenderedJob:
    source = f"jobs/{name}/job.toml"
    spec = JobSpec(
        name, kind, source, f"jobs/{name}/job.nomad.hcl.j2", depends=depends,
        depends_origin=Origin(source, "depends", 3),
    )  # fmt: skip
    return RenderedJob(spec, f'job "{name}" {{\n  type = "{kind}"\n{more}}}\n', (), {})


def jobs(*found: RenderedJob) -> dict[str, RenderedJob]:
    return {each.spec.name: each for each in found}


def test_a_job_comes_after_what_it_waits_for_and_ties_stay_in_the_order_of_the_stack() -> None:
    found = jobs(job("page", "api"), job("api", "db", "cache"), job("db"), job("cache"), job("z"))
    stack = ["z", "page", "api", "cache", "db"]
    order = [each.name for each in arrange(stack, found, NONE)]
    assert order == ["z", "cache", "db", "api", "page"]


def test_a_bare_name_means_what_fits_its_kind() -> None:
    periodic = job("nightly", kind="batch", more="  periodic {\n  }\n")
    found = jobs(
        job("api", "db", "migrate", "nightly"), job("db"), job("migrate", kind="batch"), periodic
    )
    [api] = [each for each in arrange([*found], found, NONE) if each.name == "api"]
    assert api.needs == (
        Need("db", "verified"), Need("migrate", "done"), Need("nightly", "verified"),
    )  # fmt: skip
    assert [nature(each) for each in found.values()] == ["serves", "serves", "works", "launched"]


@pytest.mark.parametrize(
    ("need", "kind", "more", "words", "hint"),
    [
        ("db:done", "service", "", "runs on and is never done", '"db:verified"'),
        ("db:done", "system", "", "runs on and is never done", '"db:verified"'),
        ("db:verified", "batch", "", "ends", '"db:done"'),
        ("db:done", "batch", "  parameterized {\n  }\n", "launched later", '"db"'),
    ],
)
def test_a_gate_that_cannot_be_is_a_mistake_of_the_file(
    need: str, kind: JobKind, more: str, words: str, hint: str
) -> None:
    found = jobs(job("api", need), job("db", kind=kind, more=more))
    [wrong] = mistakes(["api", "db"], found)
    assert (wrong.where, wrong.key, wrong.line) == ("jobs/api/job.toml", "depends", 3)
    assert words in wrong.message
    assert hint in (wrong.hint or "")


def test_a_job_outside_of_the_stack_is_refused_for_those_inside() -> None:
    found = jobs(job("api", "db"), job("db"), job("alone", "db"))
    [wrong] = mistakes(["api"], found)
    assert 'job "db" is not in the stack' in wrong.message
    assert wrong.hint == 'add "db" to [stack] jobs'


def test_every_circle_is_shown_once() -> None:
    found = jobs(
        job("a", "b"), job("b", "c"), job("c", "a"), job("x", "y"), job("y", "x"), job("d", "a")
    )
    with pytest.raises(ConfigError) as caught:
        arrange([*found], found, NONE)
    said = [mistake.message for mistake in caught.value.mistakes]
    assert said == [
        "the jobs wait for each other: a -> b -> c -> a",
        "the jobs wait for each other: x -> y -> x",
    ]


def test_many_jobs_on_few_are_no_circle_and_take_no_time() -> None:
    layers = {
        f"{layer}-{number}": tuple(Need(f"{layer - 1}-{other}") for other in range(8) if layer)
        for layer in range(20)
        for number in range(8)
    }
    assert circles(layers) == []


def test_routed_jobs_wait_for_the_edge_unless_it_waits_for_them() -> None:
    found = jobs(job("login"), job("edge", "login"), job("page"))
    routed = {"login": ("edge",), "page": ("edge",)}
    order = {each.name: each.needs for each in arrange([*found], found, routed)}
    assert order == {
        "login": (), "edge": (Need("login", "verified"),), "page": (Need("edge", "verified"),),
    }  # fmt: skip


# Whose turn it is.

CHAIN = (
    StackJob("db"),
    StackJob("cache"),
    StackJob("api", (Need("db", "verified"), Need("cache", "verified"))),
    StackJob("page", (Need("api", "verified"),)),
)


def test_no_more_than_the_limit_have_their_turn() -> None:
    board = Board(CHAIN, 1)
    assert board.ready() == ("db",)
    assert board.begun("db").ready() == ()
    assert board.begun("db").ended("db", well=True).ready() == ("cache",)


def test_a_job_begins_when_all_that_it_waits_for_went_well() -> None:
    board = Board(CHAIN, 4).begun("db").begun("cache")
    assert board.ready() == ()
    board = board.ended("cache", well=True)
    assert board.ready() == ()
    assert board.behind("api") == ("db",)
    assert board.ended("db", well=True).ready() == ("api",)


def test_the_first_failure_lets_no_other_begin_and_ends_none() -> None:
    free = (*CHAIN, StackJob("other"))
    board = Board(free, 2).begun("db").begun("cache").ended("db", well=False)
    assert board.ready() == ()
    assert board.running == {"cache"}
    board = board.ended("cache", well=True)
    assert [job.name for job in board.waiting()] == ["api", "page", "other"]
    goes_on = Board(free, 2, stops=False).begun("db").ended("db", well=False)
    assert goes_on.ready() == ("cache", "other")


def test_the_way_back_is_the_other_way_round() -> None:
    back = turned(CHAIN)
    assert [job.name for job in back] == ["page", "api", "cache", "db"]
    assert back[3].needs == (Need("api", "verified"),)
    # Of those that go back: db waits for page, although api, which is between them, does not go.
    assert only(back, {"page", "db"}) == (
        StackJob("page"), StackJob("db", (Need("page", "verified"),)),
    )  # fmt: skip
