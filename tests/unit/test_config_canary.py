"""The `[canary]` table, and what the command line makes of it."""

from __future__ import annotations

import pytest

from tests.unit.job_files import DEV, PLAIN, load, mistakes
from toolkit.cli.canary import steps
from toolkit.config.canary import with_canary
from toolkit.errors import ToolkitError
from toolkit.render.context import canaries
from toolkit.spec.analysis import AnalysisSettings, CanarySettings


@pytest.mark.parametrize(
    ("text", "key", "line", "message", "hint"),
    [
        ("[canary]\nstep = [1]", "canary.step", 2, "unknown key", "steps"),
        ("[canary]\nsteps = 1", "canary.steps", 2, "array of numbers", "[1, 3]"),
        ("[canary]\nsteps = []", "canary.steps", 2, "array of numbers", "[1, 3]"),
        ("[canary]\nsteps = [0, 1]", "canary.steps", 2, "from 1 to 10000", None),
        ("count = 9\n[canary]\nsteps = [3, 1]", "canary.steps", 3, "more canaries than the", "1,3"),
        ("count = 9\n[canary]\nsteps = [2, 2]", "canary.steps", 3, "more canaries than the", "1,3"),
        ("count = 2\n[canary]\nsteps = [1, 3]", "canary.steps", 3, "its count of 2", "at most 2"),
        ("[canary]\nsteps = [2]", "canary.steps", 2, "its count of 1", "at most 1"),
        ("count = 3\n[canary]\nsteps = [1, 2]\n[rollout]\ncanaries = 3",
         "rollout.canaries", 5, "contradicts canary.steps, which end with 2", "remove it"),
        ("[rollout]\ncanaries = 0\n[canary]\nrate = 5", "canary", 3, "nothing is compared", None),
        ('kind = "batch"\n[canary]', "canary", 2, "a batch job has no canaries", None),
        ('kind = "system"\n[canary]\nsteps = [1]', "canary", 2, "a system job has no", None),
        ("[canary]\nsamples = 10", "canary.samples", 2, "at least 20", None),
        ("[canary]\nrate = 0", "canary.rate", 2, "at least 0.1", None),
        ("[canary]\nrate = 5000", "canary.rate", 2, "at most 200", None),
        ('[canary]\nrate = "5"', "canary.rate", 2, "must be a number", None),
        ("[canary]\npaths = []", "canary.paths", 2, "nothing would be asked", None),
        ('[canary]\npaths = ["orders"]', "canary.paths", 2, "start with /", None),
        ('[canary]\nerrors = "101%"', "canary.errors", 2, "share", None),
        ("[canary]\nconfidence = 1", "canary.confidence", 2, "at most 0.9999", None),
        ("[canary]\nlatency = 0.5", "canary.latency", 2, "at least 1", None),
        ("[canary]\npercentile = 100", "canary.percentile", 2, "at most 99.9", None),
        ('[canary]\nhold = "3m"', "canary.hold", 2, "deadline (2m) must be longer than", None),
        ('[canary]\ndeadline = "20s"', "canary.deadline", 2, "must be longer than hold", None),
        ('[canary]\nrate = 1\nhold = "5s"\ndeadline = "60s"', "canary.deadline", 4,
         "1 requests a second for 1m are never 200 samples", "raise rate"),
        ('[canary]\ndeadline = "10m"', "canary.deadline", 2, "shorter than rollout.timeout", None),
        ('count = 3\n[canary]\nsteps = [1, 3]\ndeadline = "5m"', "canary.deadline", 4,
         "deadline (5m) 2 times must be shorter than rollout.timeout (10m)", None),
        ("count = 2\n[canary]\nsteps = [1]\n[ports.http]\nstatic = 80", "ports.http.static", 5,
         "canary", None),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place(
    text: str, key: str, line: int, message: str, hint: str | None
) -> None:
    [found] = mistakes(text)
    assert (found.where, found.key, found.line) == ("jobs/web/job.toml", key, line), found
    assert message in found.message
    assert (hint or "") in (found.hint or "")


def test_every_mistake_is_reported_at_once() -> None:
    text = 'count = 2\n[canary]\nsteps = [1, 5]\nrate = "x"\nhold = "9m"\nerrors = 2'
    keys = {found.key for found in mistakes(text)}
    assert keys >= {"canary.steps", "canary.rate", "canary.hold", "canary.errors"}


def test_without_a_table_nothing_is_compared() -> None:
    assert load().canary is None


def test_an_empty_table_is_enough() -> None:
    assert load("[canary]").canary == CanarySettings((), AnalysisSettings())


def test_every_key_arrives() -> None:
    spec = load(
        'count = 4\n[canary]\nsteps = [1, 3]\npaths = ["/a", "/b"]\nrate = 7\nsamples = 50\n'
        'hold = "3s"\ndeadline = "30s"\ntimeout = "500ms"\nerrors = "2%"\nconfidence = 0.95\n'
        'latency = 2\nlatency_least = "1s"\npercentile = 99'
    )
    assert spec.canary == CanarySettings(
        (1, 3),
        AnalysisSettings(
            samples=50, rate=7.0, hold=3.0, deadline=30.0, paths=("/a", "/b"), timeout=0.5,
            errors=0.02, confidence=0.95, latency=2.0, latency_least=1.0, percentile=99.0,
        ),
    )  # fmt: skip
    assert isinstance(spec.canary.analysis.latency, float)
    # What a version has in the end is its last step.
    assert (spec.rollout.canaries, canaries(spec)) == (3, 3)


def test_an_environment_has_its_own() -> None:
    text = "count = 3\n[canary]\nsteps = [1, 3]\n[env.dev.canary]\nsteps = [2]\nrate = 5"
    assert load(text).canary == CanarySettings((1, 3))
    assert load(text, target=DEV).canary == CanarySettings((2,), AnalysisSettings(rate=5.0))


def test_a_projects_canaries_are_no_contradiction() -> None:
    project = '[rollout]\ncanaries = "all"\n[environments.production]\n'
    spec = load("count = 3\n[canary]\nsteps = [1, 2]", project=project)
    assert spec.rollout.canaries == 2


def test_a_plain_job_has_steps_of_its_own_count() -> None:
    files = {"jobs/web/job.nomad.hcl": PLAIN}
    spec = load("[canary]\nsteps = [1, 30]", files=files)
    assert spec.canary is not None
    assert spec.canary.steps == (1, 30)


# The command line.


@pytest.mark.parametrize(
    ("text", "known"), [(None, ()), ("1", (1,)), ("1,3", (1, 3)), (" 1, 3 ,10", (1, 3, 10))]
)
def test_steps_on_the_command_line(text: str | None, known: tuple[int, ...]) -> None:
    assert steps(text) == known


@pytest.mark.parametrize("text", ["", "0", "a", "1,", "-1", "1.5", "3,1", "1,1", "١", "99999"])
def test_steps_that_are_none(text: str) -> None:
    with pytest.raises(ToolkitError, match="--canary") as caught:
        steps(text)
    assert caught.value.code == 2


def test_steps_of_the_command_line_are_stronger() -> None:
    spec = load("count = 4\n[canary]\nsteps = [1, 4]\nrate = 5")
    changed = with_canary(spec, (2,))
    assert changed.rollout.canaries == 2
    assert changed.canary == CanarySettings((2,), AnalysisSettings(rate=5.0))
    assert with_canary(spec, ()) is spec


def test_steps_alone_ask_for_no_comparison() -> None:
    changed = with_canary(load("count = 4"), (1, 2))
    assert (changed.rollout.canaries, changed.canary) == (2, None)
