"""`[probe]` of a job file: what it means, and every mistake in it with its key and line."""

from __future__ import annotations

import pytest

from tests.unit.job_files import PLAIN, load, mistakes
from toolkit.spec.probe import ProbeBudget, ProbeSettings

ROUTED = '[ports.http]\n[route]\nhost = "web.localhost"\n'


def said(text: str, **how: object) -> list[tuple[str | None, int | None, str]]:
    return [(m.key, m.line, m.message) for m in mistakes(text, **how)]


def test_no_table_asks_for_no_probe() -> None:
    assert load(ROUTED).probe is None


def test_a_table_alone_is_a_probe_with_the_defaults() -> None:
    assert load(ROUTED + "[probe]\n").probe == ProbeSettings()


def test_every_key() -> None:
    text = (
        ROUTED
        + """
[probe]
rate = 2.5
paths = ["/", "/orders?x=1", "/"]
methods = ["GET", "POST"]
expect = [200, 404]
timeout = "2s"
settle = "1m"
most_requests = 500
[probe.budget]
failed = "1%"
gap = "3s"
latency = "250ms"
percentile = 95
"""
    )
    assert load(text).probe == ProbeSettings(
        rate=2.5, paths=("/", "/orders?x=1"), methods=("GET", "POST"), expect=(200, 404),
        timeout=2.0, settle=60.0, most_requests=500,
        budget=ProbeBudget(failed=0.01, gap=3.0, latency=0.25, percentile=95),
    )  # fmt: skip


@pytest.mark.parametrize(("share", "failed"), [("0.05", 0.05), ('"0.5%"', 0.005), ("0", 0.0)])
def test_a_share_is_a_number_or_a_percentage(share: str, failed: float) -> None:
    probe = load(ROUTED + f"[probe.budget]\nfailed = {share}\n").probe
    assert probe is not None
    assert probe.budget.failed == pytest.approx(failed)


def test_at_a_low_rate_two_requests_make_the_gap() -> None:
    probe = load(ROUTED + "[probe]\nrate = 0.5\n").probe
    assert probe is not None
    assert probe.budget.gap == 4.0


def test_an_environment_may_have_its_own() -> None:
    probe = load(ROUTED + "[probe]\nrate = 5\n[env.production.probe]\nrate = 50\n").probe
    assert probe is not None
    assert probe.rate == 50


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("rate = 0", "must be at least 0.1"), ("rate = 1000", "must be at most 200"),
        ('rate = "10"', "must be a number, not a string"),
        ("rate = nan", "must be a finite number"),
        ("most_requests = 0", "must be at least 1"),
        ("paths = []", "must not be empty: nothing would be asked"),
        ('paths = ["orders"]', "must start with / and hold no spaces"),
        ('paths = "/"', "must be an array of strings"),
        ("methods = []", "must not be empty: a request has a method"),
        ('methods = ["get"]', '"get" is none of GET, HEAD, OPTIONS, POST'),
        ("expect = [20]", "must be an array of HTTP statuses from 200 to 599"),
        ('timeout = "0s"', "must be at least 0.1 s"), ('settle = "1h"', "must be at most 600 s"),
        ("budget = 1", "must be a table, not an integer"),
        ('budget.failed = "150%"', "must be a share from 0 to 1, or from 0% to 100%"),
        ("budget.failed = -1", "must be a share from 0 to 1, or from 0% to 100%"),
        ("budget.percentile = 0", "must be at least 1"),
        ('budget.gap = "10ms"', "must not be shorter than the time between two requests (0.1 s)"),
        ('budget.latency = "0s"', "must be at least 0.001 s"),
        ("rates = 1", "unknown key"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_key_and_line(line: str, message: str) -> None:
    [found] = said(ROUTED + "[probe]\n" + line + "\n")
    assert found == (f"probe.{line.partition(' ')[0]}", 5, message)


def test_all_mistakes_are_named_at_once() -> None:
    text = "[probe]\nrate = 0\npaths = []\n[probe.budget]\nfailed = 2\n"
    assert [key for key, _, _ in said(text)] == [
        "probe.rate", "probe.paths", "probe.budget.failed", "probe",
    ]  # fmt: skip


def test_a_probe_needs_a_route() -> None:
    assert said("count = 1\n[probe]\nrate = 5\n") == [("probe", 2, "needs a route to ask through")]


def test_a_plain_job_may_be_probed_by_its_own_tags() -> None:
    plain = {"jobs/web/job.nomad.hcl": PLAIN.replace('"batch"', '"service"')}
    probe = load("[probe]\nrate = 5\n", files=plain).probe
    assert probe is not None
    assert probe.rate == 5
    [found] = said('[probe]\nbudget.gap = "1ms"\n', files=plain)
    assert found[0] == "probe.budget.gap"
