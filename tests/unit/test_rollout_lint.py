"""Every lint rule: when it speaks, when it is silent, and what `allow` makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import pytest

from toolkit.rollout.lint import RULES, check
from toolkit.rollout.read import NANO, live_job
from toolkit.spec.plan import GroupPlan, LintFinding

TAGS = [
    "version=1.0.0",
    "traefik.enable=true",
    "traefik.http.routers.web.rule=Host(`a.example`)",
    "traefik.http.services.web.loadbalancer.server.scheme=http",
]
GOOD: dict[str, Any] = {
    "ID": "shop",
    "Name": "shop",
    "Type": "service",
    "Version": 3,
    "JobModifyIndex": 7,
    "TaskGroups": [
        {
            "Name": "web",
            "Count": 2,
            "ShutdownDelay": 5 * NANO,
            "Update": {"Canary": 2, "AutoRevert": True},
            "Services": [{"Name": "web", "PortLabel": "http", "Tags": TAGS, "Checks": [{}]}],
            "Tasks": [{"Name": "app", "KillTimeout": 30 * NANO}],
        }
    ],
}


def job(change: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The good job, its group changed."""
    made = deepcopy(GOOD)
    made["TaskGroups"][0].update(deepcopy(dict(change or {})))
    return made


def service(**change: Any) -> dict[str, Any]:
    return {"Services": [{**GOOD["TaskGroups"][0]["Services"][0], **change}]}


def tagged(old: str, new: str) -> dict[str, Any]:
    return service(Tags=[tag.replace(old, new) for tag in TAGS])


def rules(found: tuple[LintFinding, ...]) -> list[str]:
    return [finding.rule for finding in found]


def test_a_good_job_has_nothing_to_find() -> None:
    assert check(job(), None, ()) == ()
    assert check(job(), live_job(job()), (GroupPlan("web", ignore=2),)) == ()


@pytest.mark.parametrize(
    ("change", "rule", "word"),
    [
        (service(Checks=None), "no-check", "service web of group web"),
        ({"ShutdownDelay": None}, "no-shutdown-delay", "group web"),
        ({"Count": 1, "Update": {"AutoRevert": True}}, "count-one", "count 1 and no canary"),
        ({"Count": None, "Update": {"AutoRevert": True}}, "count-one", "count 1 and no canary"),
        (
            {"Networks": [{"ReservedPorts": [{"Label": "http", "Value": 8080}]}]},
            "static-port-canary", "static port 8080",
        ),
        (
            {"Tasks": [{"Name": "app", "KillTimeout": 31 * NANO}]},
            "kill-timeout", "task app has kill_timeout 31 s",
        ),
        ({"Update": {"Canary": 2, "AutoRevert": False}}, "no-auto-revert", "auto_revert off"),
        ({"Update": {"AutoRevert": True}}, "revert-at-once", "no canaries"),
    ],
)  # fmt: skip
def test_what_the_job_alone_shows(change: Mapping[str, Any], rule: str, word: str) -> None:
    [finding] = check(job(change), None, ())
    assert finding.rule == rule
    assert finding.level == "warning"
    assert word in finding.message
    assert finding.reason == RULES[rule]


@pytest.mark.parametrize(
    "change",
    [
        {"ShutdownDelay": None, "Tasks": [{"Name": "app", "ShutdownDelay": NANO}]},
        {"Services": None, "ShutdownDelay": None},
        {"Services": None, "Count": 1, "Update": {"AutoRevert": True}},
        {"Count": 1, "Update": {"Canary": 1, "AutoRevert": True}},
        {
            "Networks": [{"ReservedPorts": [{"Label": "http", "Value": 8080}]}],
            "Count": 1,
            "Services": None,
            "Update": {"AutoRevert": True},
        },
    ],
)
def test_what_is_no_finding(change: Mapping[str, Any]) -> None:
    assert check(job(change), None, ()) == ()


def test_the_update_block_of_the_job_counts_where_the_group_has_none() -> None:
    made = job({"Update": None})
    made["Update"] = {"Canary": 2, "AutoRevert": True}
    assert check(made, None, ()) == ()


@pytest.mark.parametrize("kind", ["batch", "system", "sysbatch"])
def test_only_services_are_looked_at(kind: str) -> None:
    bad = job({"ShutdownDelay": None, "Update": None, **service(Checks=None)})
    bad["Type"] = kind
    assert check(bad, None, ()) == ()


@pytest.mark.parametrize(
    ("change", "thing"),
    [
        (tagged("a.example", "b.example"), "router web"),
        (service(Tags=[*TAGS, "traefik.http.routers.web.entryPoints=private"]), "router web"),
        (service(Tags=[*TAGS, "traefik.http.routers.web.middlewares=auth"]), "router web"),
        (service(Tags=[*TAGS, "traefik.http.routers.web.priority=7"]), "router web"),
        (service(Tags=[*TAGS, "traefik.http.routers.web.service=other"]), "router web"),
        (tagged("scheme=http", "scheme=https"), "service web"),
    ],
)
def test_traefik_drops_what_two_versions_define_differently(
    change: Mapping[str, Any], thing: str
) -> None:
    found = check(job(change), live_job(job()), (GroupPlan("web", canary=2, ignore=2),))
    [finding] = [f for f in found if thing in f.message]
    assert (finding.rule, finding.level) == ("router-tags", "refused")


@pytest.mark.parametrize(
    "change",
    [
        tagged("routers.web", "routers.web-2"),  # another name is the way out
        tagged("traefik.enable=true", "traefik.enable=false"),
        tagged("version=1.0.0", "version=2.0.0"),
        service(Tags=list(reversed(TAGS))),
        service(Tags=[tag.replace("=Host", " = Host") for tag in TAGS]),
        service(Tags=[*TAGS, "traefik.http.routers.web.service=web"]),  # as it was by default
    ],
)
def test_tags_that_do_not_contradict(change: Mapping[str, Any]) -> None:
    found = check(job(change), live_job(job()), (GroupPlan("web", canary=2),))
    assert "router-tags" not in rules(found)


def test_a_stopped_job_runs_nowhere_beside_the_new_one() -> None:
    stopped = job()
    stopped["Stop"] = True
    assert check(job(tagged("a.example", "b.example")), live_job(stopped), ()) == ()


@pytest.mark.parametrize(
    "change",
    [tagged("version=1.0.0", "version=2.0.0"), service(Meta={"release": "2.0.0"})],
)
def test_a_release_that_no_process_is(change: Mapping[str, Any]) -> None:
    in_place = (GroupPlan("web", in_place=2),)
    [finding] = check(job(change), live_job(job()), in_place)
    assert (finding.rule, finding.level) == ("release-in-place", "refused")
    replaced = (GroupPlan("web", canary=2, in_place=1),)
    assert check(job(change), live_job(job()), replaced) == ()


@pytest.mark.parametrize(
    "change", [{"Meta": {"team": "blue"}}, {"Tags": [*TAGS, "team=blue", "versions", "100 Mbit"]}]
)
def test_an_update_in_place_that_advertises_nothing(change: dict[str, Any]) -> None:
    after = service(Checks=[{"Type": "http"}], **change)
    assert check(job(after), live_job(job()), (GroupPlan("web", in_place=2),)) == ()


@pytest.mark.parametrize("tag", ["version=1.1.0", "release:1.1.0", "v1.1.0", "1.1", "Version 2"])
def test_an_update_in_place_whose_tag_names_a_release(tag: str) -> None:
    after = service(Checks=[{"Type": "http"}], Tags=[*TAGS, tag])
    assert rules(check(job(after), live_job(job()), (GroupPlan("web", in_place=2),))) == [
        "release-in-place"
    ]


@pytest.mark.parametrize(
    "before",
    [
        {"Meta": {"release": "1.1.0"}},
        {"TaskGroups": [{"Name": "web", "Meta": {"release": "1.1.0"}}]},
        {"TaskGroups": [{"Name": "web", "Tasks": [{"Name": "app", "Env": {"RELEASE": "1.1.0"}}]}]},
    ],
)
def test_the_way_back_to_what_still_runs_is_an_update_in_place(before: dict[str, Any]) -> None:
    """After a deploy that failed and was not reverted: the live version never ran."""
    old = job(service(Checks=[{"Type": "http"}], Tags=["version=1.0.0"]))
    failed = job(service(Checks=[{"Type": "http"}], Tags=["version=1.1.0"]))
    in_place = (GroupPlan("web", in_place=2),)
    assert rules(check(old, live_job(failed), in_place)) == ["release-in-place"]
    [group] = failed["TaskGroups"]
    more = before.get("TaskGroups", [{}])[0]
    failed = {**failed, **before, "TaskGroups": [{**group, **more}]}
    assert check(old, live_job(failed), in_place) == ()


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        (GroupPlan("web", replace=1), ["edge-restart"]),
        (GroupPlan("web", replace=1, ignore=1), []),
        (GroupPlan("web", replace=2), []),
        (GroupPlan("web", place=1), []),
        (GroupPlan("web", in_place=1), []),
    ],
)
def test_the_only_edge(plan: GroupPlan, expected: list[str]) -> None:
    edge = job(service(Name="traefik-api", Tags=[]))
    edge["Type"] = "system"
    found = check(edge, live_job(edge), (plan,))
    assert rules(found) == expected
    assert all(finding.level == "refused" for finding in found)


def test_allowed_findings_are_marked_and_kept() -> None:
    found = check(
        job({"ShutdownDelay": None, **service(Checks=None)}), None, (), allow=["no-check"]
    )
    assert {finding.rule: finding.allowed for finding in found} == {
        "no-check": True,
        "no-shutdown-delay": False,
    }


def test_names_that_the_template_does_not_carry() -> None:
    assert rules(check(job(), None, (), dns=True)) == ["dns-not-declared"]
    assert (
        check(job(service(Meta={"toolkit_dns_hostname": "a.example.com"})), None, (), dns=True)
        == ()
    )
    assert check(job(), None, (), dns=False) == ()


def test_tokens_that_the_template_does_not_carry() -> None:
    parsed = job()
    parsed["TaskGroups"][0]["Tasks"][0]["Identities"] = [{"Name": "kick"}]
    assert rules(check(parsed, None, (), identities=["kick", "hook"])) == ["identity-not-declared"]
    assert check(parsed, None, (), identities=["kick"]) == ()
    assert rules(check(job(), None, (), identities=["kick"])) == ["identity-not-declared"]
