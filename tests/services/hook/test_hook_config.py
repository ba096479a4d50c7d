"""hook.toml: every mistake at once, with its key and its line; rules that grant nothing refused."""

from __future__ import annotations

import re
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.config.hook import load_hook
from toolkit.config.hook_schema import HOOK_KEYS
from toolkit.errors import ConfigError, Mistake
from toolkit.spec.hook import (
    BuildSettings,
    HookLimits,
    PersonRule,
    PushLimits,
    RepoGrant,
    WorkloadRule,
)

LEAST = """\
cluster = "dev"
url = "http://127.0.0.1:8655"
[target]
environment = "dev"
[[policy.person]]
management = true
grants = [{ repos = ["*"], rights = ["admin"] }]
"""
TARGETED = LEAST.replace("[target]\n", "[target]\n%s\n")
PERSON = '[[policy.person]]\npolicies = ["p"]\ngrants = [{ repos = ["shop"], rights = ["push"] }]\n'
JOB = '[[policy.workload]]\njob = "j"\ngrants = [{ repos = ["shop"], rights = ["read"] }]\n'


def mistakes(text: str) -> list[Mistake]:
    with pytest.raises(ConfigError) as caught:
        load_hook(text)
    return list(caught.value.mistakes)


def test_the_least_one_has_every_default() -> None:
    hook = load_hook(LEAST)
    assert (hook.cluster, hook.audience, hook.issuer, hook.order) == (
        "dev",
        "hook.dev",
        "",
        "newest",
    )
    assert hook.url == "http://127.0.0.1:8655"
    target = hook.target
    assert (target.nomad.address, target.consul.address, target.traefik) == ("", "", None)
    assert (target.namespace, target.region, target.datacenters) == ("default", "global", ("*",))
    assert (target.node_pool, target.state, dict(target.edge)) == ("default", "", {})
    assert (hook.limits, hook.hooks, hook.builds) == (PushLimits(), HookLimits(), BuildSettings())
    assert hook.trash == 30 * 86_400.0
    assert hook.policy.people == (
        PersonRule((RepoGrant(("*",), frozenset({"admin"})),), management=True),
    )
    assert hook.policy.workloads == ()


WITH_DEFAULT = [key for key in HOOK_KEYS if re.match(r'["\[0-9]|(true|false)$', key.default)]


@pytest.mark.parametrize(
    "key", [k for k in WITH_DEFAULT if "policy" not in k.path and k.path != "audience"],
    ids=lambda key: key.path,
)  # fmt: skip
def test_the_defaults_that_are_documented_are_those_that_hold(key: object) -> None:
    path, default = key.path, key.default  # type: ignore[attr-defined]
    if path.startswith("target."):
        text = LEAST.replace(
            "[target]\n", f"[target]\n{path.removeprefix('target.')} = {default}\n"
        )
    else:
        text = f"{path} = {default}\n" + LEAST
    assert load_hook(text) == load_hook(LEAST)


def test_a_whole_one_is_read_as_it_is_written() -> None:
    hook = load_hook("""
        cluster = "prod"
        audience = "git"
        issuer = "https://nomad.example.com"
        url = "https://hook.example.com/"
        order = "queue"
        [target]
        environment = "production"
        namespace = "apps"
        region = "eu"
        datacenters = ["a", "b"]
        node_pool = "workers"
        [target.nomad]
        address = "unix:${NOMAD_SECRETS_DIR}/api.sock"
        [target.consul]
        address = "${CONSUL}:8501"
        ca_file = "ca.pem"
        [target.edge]
        public = "https://example.com"
        [target.traefik]
        user = "toolkit"
        [[policy.person]]
        roles = ["deployers"]
        policies = ["deploy"]
        [[policy.person.grants]]
        repos = ["shop", "web"]
        rights = ["push"]
        [[policy.person.grants]]
        repos = ["*"]
        rights = ["read"]
        [[policy.workload]]
        namespace = "apps"
        job = "shop"
        task = "app"
        grants = [{ repos = ["shop"], rights = ["read"] }]
        [limits]
        pack_bytes = 1000000
        check_seconds = "5s"
        pushes = 2
        pushes_of_one = 1
        [hooks]
        seconds = "5s"
        user = "git"
        [builds]
        driver = "docker"
        image = "python:3.13"
        seconds = "1m"
        [trash]
        keep = "1h"
    """)
    assert (hook.url, hook.order, hook.audience) == ("https://hook.example.com", "queue", "git")
    assert hook.target.nomad.address == "unix:${NOMAD_SECRETS_DIR}/api.sock"
    assert (hook.target.consul.address, hook.target.consul.ca_file) == ("${CONSUL}:8501", "ca.pem")
    assert hook.target.edge == {"public": "https://example.com"}
    assert hook.target.traefik is not None
    assert hook.target.traefik.username == "toolkit"
    assert hook.policy.workloads == (
        WorkloadRule("apps", "shop", (RepoGrant(("shop",), frozenset({"read"})),), "app"),
    )
    assert hook.policy.people[0].roles == {"deployers"}
    assert (hook.limits.check_seconds, hook.hooks.seconds, hook.trash) == (5.0, 5.0, 3600.0)
    assert (hook.builds.driver, hook.builds.seconds) == ("docker", 60.0)


@pytest.mark.parametrize(
    ("text", "key", "word"),
    [
        (LEAST.replace('cluster = "dev"\n', ""), None, "says no cluster"),
        (LEAST.replace('"dev"\nurl', '"De v"\nurl'), "cluster", "lower-case"),
        (LEAST.replace('url = "http://127.0.0.1:8655"\n', ""), None, "says no url"),
        (LEAST.replace("http://127.0.0.1:8655", "ftp://x"), "url", "must start with"),
        (LEAST.replace("http://127.0.0.1:8655", "http://a:b@x"), "url", "user or a password"),
        (LEAST.replace("127.0.0.1:8655", "${A B}"), "url", "no variable"),
        (LEAST.replace("127.0.0.1:8655", "${A"), "url", "no variable"),
        ('audience = ""\n' + LEAST, "audience", "not be empty"),
        ('order = "oldest"\n' + LEAST, "order", "newest"),
        (LEAST.replace('environment = "dev"\n', ""), "target", "no environment"),
        (LEAST.replace('= "dev"\n[[', '= "../dev"\n[['), "target.environment", "no name"),
        (TARGETED % "datacenters = []", "target.datacenters", "empty"),
        (TARGETED % 'state = "x"', "target.state", "absolute"),
        (TARGETED % 'nomad_token = "x"', "target.nomad_token", "secret"),
        (LEAST + '[target.nomad]\naddress = "x y"\n', "target.nomad.address", "spaces"),
        (LEAST + '[target.consul]\naddress = "unix:/x"\n', "target.consul.address", "unix"),
        (LEAST + '[target.nomad]\ncert_file = "c"\n', "target.nomad.cert_file", "key_file"),
        (LEAST + '[target.edge]\npublic = "x/y"\n', "target.edge.public", "path"),
        (LEAST + "[limits]\npushes = 0\n", "limits.pushes", "1"),
        (LEAST + "[limits]\npushes = 2\n", "limits.pushes", "pushes is 2"),
        (LEAST + "[limits]\npushes_of_one = 33\n", "limits.pushes_of_one", "pushes is 32"),
        (LEAST + '[limits]\nseconds = "long"\n', "limits.seconds", "duration"),
        (LEAST + '[hooks]\nuser = "root me"\n', "hooks.user", "no name"),
        (LEAST + '[builds]\ndriver = "docker"\n', "builds.driver", "image"),
        (LEAST + '[builds]\ndriver = "exec"\n', "builds.driver", "docker"),
        (LEAST + '[trash]\nkeep = "1s"\n', "trash.keep", "60"),
        (LEAST + "[trush]\n", "trush", "unknown"),
        (LEAST[: LEAST.index("[[policy")], None, "nobody may do anything"),
        (LEAST.replace("management = true\n", ""), "policy.person[0]", "nobody's rule"),
        (LEAST.replace("grants = [{", "grants = [] #"), "policy.person[0]", "grants nothing"),
        (LEAST.replace('"admin"', '"root"'), "policy.person[0].grants[0].rights", "no right"),
        (LEAST.replace('["admin"]', "[]"), "policy.person[0].grants[0].rights", "says no right"),
        (LEAST.replace('["*"]', "[]"), "policy.person[0].grants[0].repos", "no repository"),
        (LEAST.replace('["*"]', '["*", "a"]'), "policy.person[0].grants[0].repos", "stands alone"),
        (LEAST.replace('["*"]', '["sh*"]'), "policy.person[0].grants[0].repos", "compared whole"),
        (LEAST.replace('["*"]', '["../a"]'), "policy.person[0].grants[0].repos", "cannot name"),
        (LEAST.replace('["*"]', '["Shop"]'), "policy.person[0].grants[0].repos", "cannot name"),
        (LEAST.replace('["*"]', '["a", "a"]'), "policy.person[0].grants[0].repos", "twice"),
        (LEAST + PERSON.replace('"p"', '"p*"'), "policy.person[1].policies", "compared whole"),
        (LEAST + PERSON + PERSON, "policy.person[2]", "same holders as the rule at line 8"),
        (LEAST + JOB.replace('"j"', '"j*"'), "policy.workload[0].job", "compared whole"),
        (LEAST + JOB.replace('"j"', '"j/dispatch-1"'), "policy.workload[0].job", "is a child"),
        (LEAST + JOB.replace('job = "j"\n', ""), "policy.workload[0]", "says no job"),
        (LEAST + JOB + JOB, "policy.workload[1]", "has a rule already, at line 8"),
        (LEAST + JOB.replace("read", "push"), "policy.workload[0].grants[0].rights", "only read"),
        (LEAST + JOB.replace("read", "admin"), "policy.workload[0].grants[0].rights", "only read"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place(text: str, key: str | None, word: str) -> None:
    found = mistakes(text)
    assert [each.key for each in found if word in f"{each.message} {each.hint}"] == [key], found


def test_every_mistake_is_told_at_once_in_the_order_of_the_file() -> None:
    text = LEAST.replace("dev", "De v").replace('"admin"', '"all"') + "[limits]\nrefs = -1\n"
    found = mistakes(text)
    assert [each.line for each in found] == sorted(each.line or 0 for each in found)
    assert len(found) == 4


def test_whatever_is_wrong_with_the_toml_is_a_mistake_of_the_file() -> None:
    (mistake,) = mistakes("cluster = ")
    assert (mistake.where, mistake.line) == ("hook.toml", 1)
    assert mistakes("policy = 3\n" + LEAST.partition("[[")[0])
    assert mistakes("target = 3\n")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(sorted({part for key in HOOK_KEYS for part in key.path.split(".")})),
        inner, max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


def toml(value: object) -> str:
    match value:
        case None:
            return '""'
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case str():
            return '"' + "".join(f"\\U{ord(c):08x}" for c in value) + '"'
        case list():
            return "[" + ", ".join(toml(each) for each in value) + "]"
        case dict():
            return "{" + ", ".join(f'"{k}" = {toml(v)}' for k, v in value.items()) + "}"
    raise AssertionError


@given(st.dictionaries(st.sampled_from([k.path.split(".")[0] for k in HOOK_KEYS]), VALUES))
def test_nothing_that_is_toml_breaks_the_reader(document: dict[str, object]) -> None:
    text = "\n".join(f"{key} = {toml(value)}" for key, value in document.items())
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return  # a lone surrogate
    with pytest.raises(ConfigError):
        load_hook(text)
