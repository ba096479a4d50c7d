"""What policies allow, decided as Nomad decides it; the agents' own word is in tests/agents."""

from __future__ import annotations

from typing import Any

import pytest

from toolkit.cli import catalog
from toolkit.rollout.health.facts import Token
from toolkit.rollout.health.look import Look, saw
from toolkit.rollout.health.policy import Grants, combine
from toolkit.rollout.health.rights import (
    NEEDS,
    Need,
    Powers,
    judge,
    judge_consul,
    judge_namespace,
    judge_token,
)
from toolkit.rollout.health.rights import table as rights

EVERYTHING = Grants(everything=True)
CLIENT = saw(Token("client", "ci", ("ci",)))


def space(
    name: str,
    *capabilities: str,
    policy: str = "",
    variables: dict[str, list[str]] | None = None,
) -> dict[str, Any]:
    """One namespace block, as Nomad parses it."""
    paths = [{"PathSpec": path, "Capabilities": can} for path, can in (variables or {}).items()]
    return {
        "Name": name,
        "Policy": policy,
        "Capabilities": list(capabilities),
        "Variables": {"Paths": paths} if paths else None,
    }


def policy(*spaces: dict[str, Any], **levels: str) -> dict[str, Any]:
    """One policy."""
    rules: dict[str, Any] = {"Namespaces": list(spaces)}
    return rules | {name.capitalize(): {"Policy": level} for name, level in levels.items()}


@pytest.mark.parametrize(
    ("word", "granted", "not_granted"),
    [
        ("read", ["read-job", "list-jobs", "parse-job"], ["submit-job", "read-logs", "scale-job"]),
        ("write", ["submit-job", "read-logs", "alloc-lifecycle", "dispatch-job", "scale-job"],
         ["register-job", "sentinel-override"]),
        ("scale", ["scale-job", "read-job"], ["submit-job", "list-jobs"]),
        ("deny", [], ["read-job", "list-jobs"]),
    ],
)  # fmt: skip
def test_what_a_short_word_stands_for(
    word: str, granted: list[str], not_granted: list[str]
) -> None:
    grants = combine([policy(space("default", policy=word))])
    assert [each for each in granted if not grants.allows("default", each)] == []
    assert [each for each in not_granted if grants.allows("default", each)] == []
    assert not grants.allows("other", *granted)


@pytest.mark.parametrize(
    ("namespace", "decides"),
    [
        ("prod", "exact"),
        ("prod-eu", "prod-*"),
        ("prod-eu-1", "prod-eu-*"),
        ("staging", "*"),
        ("prod-", "prod-*"),
    ],
)
def test_the_closest_namespace_decides_alone(namespace: str, decides: str) -> None:
    rules = [
        policy(
            space("*", "read-job"),
            space("prod-*", "submit-job"),
            space("prod-eu-*", "read-logs"),
            space("prod", "scale-job"),
        )
    ]
    capability = {
        "exact": "scale-job", "prod-*": "submit-job", "prod-eu-*": "read-logs", "*": "read-job",
    }[decides]  # fmt: skip
    grants = combine(rules)
    found = {
        each
        for each in ("read-job", "submit-job", "read-logs", "scale-job")
        if grants.allows(namespace, each)
    }
    assert found == {capability}


def test_policies_add_up_and_deny_wins() -> None:
    reader, writer = policy(space("default", "read-job")), policy(space("default", "submit-job"))
    both = combine([reader, writer])
    assert both.allows("default", "read-job")
    assert both.allows("default", "submit-job")
    for rules in ([reader, policy(space("default", policy="deny")), writer],):
        assert not combine(rules).allows("default", "read-job")
        assert not combine(rules).allows("default", "submit-job")


def test_levels_take_the_most_and_deny_wins() -> None:
    assert combine([policy(node="read"), policy(node="write")]).reads("node")
    assert combine([policy(node="write")]).reads("node")
    assert not combine([policy(node="write"), policy(node="deny")]).reads("node")
    assert not combine([policy(node="read")]).reads("agent")


@pytest.mark.parametrize(
    ("path", "capability", "may"),
    [
        ("nomad/jobs/web", "read", True),
        ("nomad/jobs/web", "list", True),  # who may read may list
        ("nomad/jobs/web", "write", False),
        ("nomad/jobs/api", "write", True),  # its own path, not the glob's
        ("nomad/jobs/api", "read", False),
        ("elsewhere", "read", False),
    ],
)
def test_paths_of_variables(path: str, capability: str, may: bool) -> None:
    paths = {"nomad/jobs/*": ["read"], "nomad/jobs/api": ["write"]}
    block = space("default", variables=paths)
    grants = combine([policy(block)])
    assert grants.allows_variable("default", path, capability) is may
    assert not grants.allows_variable("other", path, capability)


def test_everywhere_means_no_namespace_that_says_otherwise() -> None:
    assert combine([policy(space("*", "read-job"))]).allows_everywhere("read-job")
    assert not combine([policy(space("default", "read-job"))]).allows_everywhere("read-job")
    hidden = [policy(space("*", "read-job"), space("secret", policy="deny"))]
    assert not combine(hidden).allows_everywhere("read-job")
    assert EVERYTHING.allows_everywhere("read-job")


# The commands.


def powers(grants: Grants | None, **how: Any) -> Powers:
    """What is known of a token."""
    known = {"secret": (), "consul": True, **how}
    return Powers("default", ("nomad/jobs/web",), grants=grants, **known)


def may(grants: Grants | None, **how: Any) -> dict[str, str]:
    """Command -> word."""
    return {row.command: row.may for row in rights(powers(grants, **how))}


def test_every_command_that_asks_a_cluster_is_in_the_table() -> None:
    without = {"init", "render", "dev", "dns", "secret", "completion", "help", "schema"}
    # Of `toolkit dns` the kick server decides, of `toolkit repo` and `hook` the hook server,
    # server, by policies that no token of ours tells of; those of `toolkit cluster` make the tokens
    # that they use, those of `toolkit image` ask registries.
    others = ("dev", "dns", "repo", "hook", "cluster", "image")
    commands = {entry.name for entry in catalog.COMMANDS if entry.name.split()[0] not in others}
    assert commands - without - set(NEEDS) == set()


def test_a_management_token_may_all() -> None:
    assert set(may(EVERYTHING).values()) == {"may"}
    check = judge("rights", saw(Token("management")), saw(powers(EVERYTHING)))
    assert (check.word, check.evidence) == ("passed", ())


def test_no_policy_may_nothing() -> None:
    assert set(may(Grants()).values()) == {"may not"}
    check = judge("rights", CLIENT, saw(powers(Grants())))
    assert (check.word, check.summary) == ("failed", "our tokens may not run any of our commands")


def test_a_reader_may_look_and_change_nothing() -> None:
    found = may(combine([policy(space("default", policy="read"))]))
    assert {command for command, word in found.items() if word == "may"} == {
        "validate", "verify", "status", "history", "report",
    }  # fmt: skip


def test_the_narrow_words_are_enough_for_what_they_name() -> None:
    narrow = ["read-job", "parse-job", "plan-job", "register-job"]
    found = may(combine([policy(space("default", *narrow))]))
    assert found["plan"] == "may"
    assert found["deploy"] == "may not"  # who deploys must be able to promote and to fail
    narrow += ["promote-deployment", "fail-deployment"]
    assert may(combine([policy(space("default", *narrow))]))["deploy"] == "may"


def test_a_job_with_secrets_needs_them_read_before_it_is_deployed() -> None:
    writer = combine([policy(space("default", policy="write"))])
    paths = {"nomad/jobs/web": ["read"]}
    reader = combine([policy(space("default", policy="write", variables=paths))])
    assert may(writer)["deploy"] == "may"
    assert may(writer, secret=("nomad/jobs/web",))["deploy"] == "may not"
    assert may(reader, secret=("nomad/jobs/web",))["deploy"] == "may"
    assert may(reader, secret=("nomad/jobs/web", "nomad/jobs/api"))["deploy"] == "may not"


def test_a_deployer_without_our_own_variables_deploys_and_is_told_what_is_missing() -> None:
    writer = combine([policy(space("default", policy="write"))])
    assert may(writer)["deploy"] == "may"
    assert may(writer)["unlock"] == "may not"
    notes = judge("rights", CLIENT, saw(powers(writer))).notes
    assert [note.partition(":")[0] for note in notes] == [
        "deploys take no lock", "what was verified last is not kept for rollback",
        "what a stack was verified at is not kept for rollback --all",
    ]  # fmt: skip
    paths = {"toolkit/*": ["read", "write"]}
    whole = combine([policy(space("default", policy="write", variables=paths))])
    assert may(whole)["unlock"] == "may"
    assert judge("rights", CLIENT, saw(powers(whole))).notes == ()


def test_what_is_lacking_is_said_once_with_its_commands() -> None:
    reader = combine([policy(space("default", policy="read"), node="read")])
    check = judge("rights", CLIENT, saw(powers(reader)))
    assert check.word == "failed"
    lines = [line for line in check.evidence if "submit-job or register-job" in line]
    assert lines == ["lacks submit-job or register-job in namespace default: "
                     "deploy, bump, rollback, run"]  # fmt: skip
    assert check.evidence[0].startswith("may validate")


def test_a_consul_that_hides_our_services_ends_what_needs_them() -> None:
    found = may(EVERYTHING, consul=False)
    assert found["deploy"] == found["verify"] == "may not"
    assert found["history"] == found["stop"] == "may"
    assert may(EVERYTHING, consul=None)["verify"] == "could not tell"


def test_policies_that_cannot_be_read_leave_what_reads_show() -> None:
    tried = {Need("job", ("read-job",)).text(""): True, Need("level", ("node",)).text(""): False}
    found = may(None, tried=tried)
    assert found["history"] == "may"
    assert found["why-not"] == "may not"
    assert found["deploy"] == "could not tell"


def test_nothing_known_is_could_not_tell() -> None:
    check = judge("rights", CLIENT, saw(powers(None, consul=None)))
    assert check.word == "could not tell"
    hidden: Look[Powers] = Look("unreachable", problem="nobody there")
    assert judge("rights", CLIENT, hidden).word == "could not tell"


# The tokens.


@pytest.mark.parametrize(
    ("token", "word", "said"),
    [
        (Token("off"), "passed", "ACLs are off"),
        (Token("management", "root"), "passed", "management token root, does not end"),
        (Token("client", "ci", ("deployer",), expires_at=1000.0 + 36 * 3600), "passed",
         "client token ci with deployer, ends in 36.0 hours"),
        (Token("client", "ci", expires_at=999.0), "failed", "has expired"),
        (Token("anonymous", policies=("anonymous",)), "failed", "we have none"),
    ],
)  # fmt: skip
def test_who_we_are(token: Token, word: str, said: str) -> None:
    check = judge_token("t", saw(token), saw(Grants()), 1000.0, given=False)
    assert check.word == word
    assert said in check.summary


def test_a_token_that_ends_soon_is_said() -> None:
    token = Token("client", "ci", expires_at=1000.0 + 3600)
    check = judge_token("t", saw(token), saw(Grants()), 1000.0, given=True)
    assert (check.word, check.notes) == ("passed", ("it ends within a day",))


def test_an_anonymous_policy_may_be_enough() -> None:
    anonymous = saw(combine([policy(space("default", policy="read"))]))
    assert judge_token("t", saw(Token("anonymous")), anonymous, 1.0, given=False).word == "passed"


def test_a_token_that_is_not_known_fails() -> None:
    unknown: Look[Token] = Look("denied", problem="Nomad does not know our token", hint="get one")
    check = judge_token("t", unknown, saw(Grants()), 1.0, given=True)
    assert (check.word, check.advice) == ("failed", "get one")


@pytest.mark.parametrize(
    ("known", "grants", "word"),
    [
        (saw(["default", "prod"]), saw(EVERYTHING), "passed"),
        (saw(["default"]), saw(EVERYTHING), "failed"),
        (saw(["default"]), saw(Grants()), "could not tell"),
        (saw([]), Look("denied"), "could not tell"),
        (Look("unreachable", problem="refused"), saw(EVERYTHING), "could not tell"),
    ],
)
def test_whether_the_namespace_exists(known: Any, grants: Any, word: str) -> None:
    assert judge_namespace("n", "prod", known, grants).word == word


@pytest.mark.parametrize(
    ("granted", "asks", "word"),
    [
        (saw({"nodes": True, "service web": True}), saw(True), "passed"),
        (saw({"nodes": True, "service web": False}), saw(True), "failed"),
        (Look("denied", problem="ACL not found"), saw(True), "failed"),
        (Look("unreachable", problem="nobody there"), Look("unreachable"), "could not tell"),
        (saw({}), saw(False), "passed"),
    ],
)
def test_what_consul_shows_us(granted: Any, asks: Any, word: str) -> None:
    assert judge_consul("c", granted, asks=asks, given=True).word == word
