"""kick.toml: every mistake at once, with its key and its line; rules that grant nothing refused."""

from __future__ import annotations

import tomllib
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.dns.kicks import KICK, LEAST, config, mistake, mistakes
from toolkit.config.kick import load_kick
from toolkit.config.kick_schema import KICK_KEYS
from toolkit.errors import ConfigError
from toolkit.spec.dns import Alias, Zone
from toolkit.spec.kick import Api, Limits, Reconcile, Route53Access, Status
from toolkit.spec.policy import Edge, Grant, PersonRule, WorkloadRule


def test_the_least_one_has_every_default() -> None:
    kick = load_kick(LEAST)
    assert kick.cluster == "dev"
    assert kick.zones == (Zone("example.com", "public", "local"),)
    assert kick.policy.targets.public == (ip_network("203.0.113.0/24"),)
    assert (kick.policy.workloads, kick.policy.people, dict(kick.policy.edges)) == ((), (), {})
    assert (kick.audience, kick.issuer, kick.ttl) == ("kick", "", 60)
    assert kick.reconcile == Reconcile()
    assert (kick.status, kick.limits) == (Status(), Limits())
    assert (kick.nomad, kick.consul, kick.route53) == (Api(), Api(), Route53Access())


DEFAULTS = (
    "audience", "ttl", "reconcile.policy", "reconcile.grace", "reconcile.hold",
    "reconcile.interval", "reconcile.settle", "status.timeout", "status.kept", "limits.requests",
    "limits.waiting", "limits.audit_file", "limits.remember", "limits.leeway", "limits.lifetime",
    "limits.keys", "limits.alive", "limits.writes", "limits.burst", "route53.region",
    "route53.calls",
)  # fmt: skip


@pytest.mark.parametrize("path", DEFAULTS)
def test_the_defaults_that_are_documented_are_those_that_hold(path: str) -> None:
    [key] = [key for key in KICK_KEYS if key.path == path]
    assert load_kick(f"{path} = {key.default}\n" + LEAST) == load_kick(LEAST)
    assert key.default


def test_a_whole_one_is_read_as_it_is_written() -> None:
    kick = config(
        KICK.replace(
            'cluster = "prod"',
            """
            cluster = "prod"
            audience = "kick.prod"
            issuer = "https://nomad.example.com"
            ttl = 30
            reconcile = { policy = "upsert-only", grace = "10m", hold = 45, interval = "2s" }
            status = { forward = "https://status.example.com/api", kept = 5, timeout = "1s" }
            limits = { requests = 8, audit_file = 100000, remember = "1h", leeway = "10s" }
            nomad = { address = "unix:${NOMAD_SECRETS_DIR}/api.sock" }
            consul = { address = "127.0.0.1", ca_file = "ca.pem" }
            route53 = { role = "arn:aws:iam::123456789012:role/kick", region = "eu-central-1" }
            """,
        )
    )
    assert (kick.audience, kick.ttl, kick.issuer) == (
        "kick.prod",
        30,
        "https://nomad.example.com",
    )
    assert kick.reconcile == Reconcile("upsert-only", 600.0, 45.0, 2.0, 1.0)
    assert kick.status == Status("https://status.example.com/api", 1.0, 5)
    assert (kick.limits.requests, kick.limits.remember, kick.limits.leeway) == (8, 3600.0, 10.0)
    assert kick.nomad.address == "unix:${NOMAD_SECRETS_DIR}/api.sock"
    assert kick.consul == Api("http://127.0.0.1:8500", "ca.pem")
    assert kick.route53.role == "arn:aws:iam::123456789012:role/kick"
    policy = kick.policy
    assert policy.edges["public"] == Edge(
        alias=Alias("lb-1.eu-central-1.elb.amazonaws.com", "Z215JYRZR1TBD5")
    )
    assert policy.edges["private"].addresses == ("192.168.7.7",)
    shop = policy.workloads[0]
    assert shop == WorkloadRule("default", "shop", "", shop.grants)
    assert shop.grants[0] == Grant(
        ("shop.apps.example.com", "*.shop.apps.example.com"), ("A", "AAAA"), ("public",), 3
    )
    assert shop.grants[1] == Grant(("*.shop.apps.internal",), ("A", "SRV"), ("private",), 10)
    manager = policy.people[1]
    assert manager == PersonRule(frozenset(), frozenset(), True, True, manager.grants)
    assert manager.grants[0].special == {"apex", "wildcard"}
    assert manager.grants[0].most == 1000


def test_names_are_normalised_in_every_place() -> None:
    kick = load_kick(
        LEAST.replace('"example.com"', '"Bücher.EXAMPLE."').replace(
            "[targets]", '[targets]\ncnames = ["ELB.amazonaws.COM."]'
        )
        + '[[policy.workload]]\njob = "shop"\n'
        'grants = [{ names = ["\\\\052.Shop.BÜCHER.example", "shop。xn--bcher-kva.example"] }]\n'
    )
    assert kick.zones[0].name == "xn--bcher-kva.example"
    assert kick.policy.targets.cnames == ("elb.amazonaws.com",)
    assert kick.policy.workloads[0].grants[0].names == (
        "*.shop.xn--bcher-kva.example",
        "shop.xn--bcher-kva.example",
    )


def test_every_mistake_is_said_at_once_with_its_line() -> None:
    text = """\
cluster = "Dev Cluster"
audiense = "kick"
token = "x"
ttl = "60"

[[zone]]
name = "-x.example"
provider = "route54"

[[zone]]
visibility = "publik"

[edge.public]
addresses = ["1.2.3"]
service = "traefik"

[[policy.workload]]
jib = "shop"

[reconcile]
grace = "5 minutes"
"""
    lines = [each.split(":")[0] for each in mistakes(text)]
    assert lines == ["1", "2", "3", "4", "7", "8", "10", "10", "11", "14", "15", "17", "17",
                     "18", "21"]  # fmt: skip


ZONE = "[[zone]]\n"
WORKLOAD = "[[policy.workload]]\n"
PERSON = "[[policy.person]]\n"
GRANTS = "grants = [{ names = ['a.example.com'] }]\n"

ONE_EACH = [
    (
        ZONE + "name = 'b.example'\nprovider = 'route53'\n",
        "1: zone[1]: says no id of the hosted zone",
    ),
    (
        ZONE + "name = 'b.example'\nprovider = 'route53'\nid = '/hostedzone/Z1'\n",
        '4: zone[1].id: "/hostedzone/Z1" is no id',
    ),
    (ZONE + "name = 'b.example'\nprovider = 'local'\nid = 'Z1'\n", "4: zone[1].id: is Route 53's"),
    (
        ZONE + "name = 'EXAMPLE.com.'\nprovider = 'local'\n",
        "2: zone[1].name: there is a public zone example.com already",
    ),
    (
        ZONE + "name = '*.b.example'\nprovider = 'local'\n",
        '2: zone[1].name: "*.b.example" is no name of a zone',
    ),
    (ZONE + "name = '_toolkit.b.example'\nprovider = 'local'\n", "2: zone[1].name:"),
    (ZONE + "name = '10.0.0.1'\nprovider = 'local'\n", "2: zone[1].name:"),
    ("[edge.public]\n", "1: edge.public: says neither addresses, an alias nor a service"),
    ("[edge.public]\naddresses = []\n", "2: edge.public.addresses: must not be empty"),
    ("[edge.public]\naddresses = ['127.0.0.1']\n", "2: edge.public.addresses:"),
    ("[edge.public]\naddresses = ['::ffff:10.0.0.1']\n", "2: edge.public.addresses:"),
    (
        "[edge.public]\naddresses = ['1.2.3.4']\nservice = 'x'\n",
        "3: edge.public.service: says addresses already",
    ),
    ("[edge.public]\naddresses = ['1.2.3.4']\nnamespace = 'x'\n", "3: edge.public.namespace:"),
    ("[edge.public.alias]\ntarget = 'a.example'\n", "1: edge.public.alias: says no zone"),
    (
        "[edge.public.alias]\ntarget = 'a.example'\nzone = 'z1'\n",
        '3: edge.public.alias.zone: "z1" is no id',
    ),
    ("[edge.publik]\naddresses = ['1.2.3.4']\n", "1: edge.publik: unknown key"),
    ("[policy]\nworkload = 'shop'\n", "2: policy.workload: must be an array of tables"),
    (WORKLOAD + GRANTS, "1: policy.workload[0]: says no job"),
    (WORKLOAD + "job = 'shop'\n", "1: policy.workload[0]: grants nothing"),
    (WORKLOAD + "job = 'shop'\ngrants = []\n", "1: policy.workload[0]: grants nothing"),
    (WORKLOAD + "job = 'shop*'\n" + GRANTS, '2: policy.workload[0].job: "shop*" is compared whole'),
    (WORKLOAD + "job = 'nightly/periodic-1'\n" + GRANTS, "2: policy.workload[0].job: is a child"),
    (WORKLOAD + "namespace = '*'\njob = 'a'\n" + GRANTS, "2: policy.workload[0].namespace:"),
    (PERSON + GRANTS, "1: policy.person[0]: is nobody's rule"),
    (PERSON + "management = false\n" + GRANTS, "1: policy.person[0]: is nobody's rule"),
    (PERSON + "policies = ['*']\n" + GRANTS, "2: policy.person[0].policies:"),
    ("[status]\nforward = 'ftp://x'\n", "2: status.forward: must begin with http"),
    ("[status]\nforward = 'https://jo:pw@x'\n", "2: status.forward: must not hold a user"),
    ("[status]\nforward = 'https://x:99999'\n", "2: status.forward: is no address"),
    ("[limits]\nrequests = 0\n", "2: limits.requests: must be at least 1"),
    ("[limits]\nwrites = 0\n", "2: limits.writes: must be at least 0.1"),
    ("[limits]\nburst = 0\n", "2: limits.burst: must be at least 1"),
    ("[limits]\nleeway = '1h'\n", "2: limits.leeway: must be at most 300 s"),
    ("[reconcile]\npolicy = 'sink'\n", "2: reconcile.policy: must be"),
    ("[nomad]\naddress = 'unix:api.sock'\n", "2: nomad.address: must hold an absolute path"),
    ("[nomad]\naddress = 'http://x/path'\n", "2: nomad.address: must not hold a path"),
    ("[nomad]\ncert_file = 'x'\n", "2: nomad.cert_file: needs key_file beside it"),
    ("[consul]\naddress = 'unix:/x'\n", "2: consul.address: is a unix socket"),
    ("[consul]\ntoken = 'x'\n", "2: consul.token: is not a key: it looks like a secret"),
    ("[route53]\nrole = 'kick'\n", "2: route53.role: must be the ARN of a role"),
    ("[route53]\ncalls = 0\n", "2: route53.calls: must be at least 0.1"),
    ("[route53]\nregion = 'moon'\n", "2: route53.region: is no region"),
    ("[route53]\nendpoint = 'x'\n", "2: route53.endpoint: must begin with http"),
]


@pytest.mark.parametrize(("more", "expected"), ONE_EACH, ids=range(len(ONE_EACH)))
def test_one_mistake_is_said_once_where_it_is(more: str, expected: str) -> None:
    assert mistake(more).startswith(expected)


@pytest.mark.parametrize(
    ("network", "why"),
    [
        ("203.0.113.7/24", "did you mean 203.0.113.0/24?"),
        ("300.0.0.0/8", "such as 203.0.113.0/24"),
        ("0.0.0.0/0", "would allow every address"),
        ("::/0", "would allow every address"),
        ("169.254.0.0/16", "can never be a target: link-local"),
        ("169.254.169.254", "can never be a target"),
        ("127.0.0.0/8", "loopback = true"),
        ("fe80::/64", "link-local"),
        ("224.0.0.0/8", "multicast"),
        ("fd00:ec2::/64", "metadata"),
    ],
)
def test_a_network_that_can_be_no_target_is_refused(network: str, why: str) -> None:
    text = LEAST.replace("203.0.113.0/24", network)
    [only] = mistakes(text)
    assert only.startswith("8: targets.public:")
    assert why in only


@pytest.mark.parametrize("suffix", ["com", "*.example.org", "10.0.0.1", "a b"])
def test_a_suffix_of_others_is_a_whole_and_narrow_name(suffix: str) -> None:
    assert mistake(f"cnames = ['{suffix}']\n").startswith("1: targets.cnames:")


def test_loopback_needs_a_zone_for_development() -> None:
    text = LEAST.replace('"local"', '"route53"\nid = "Z1"').replace(
        "[targets]", "[targets]\nloopback = true"
    )
    assert mistakes(text) == ["9: targets.loopback: means nothing: no zone is local"]


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "says no cluster"),
        (b"cluster = ", "is not valid TOML"),
        (b"cluster = dev", "text values need quotes"),
        (b"\xff", "is not UTF-8 text"),
        (b"zone = 7\ncluster = 'x'", "must be an array of tables"),
        (b"zone = [7]\ncluster = 'x'", "must be an array of tables"),
        (b"[zone]\nname = 'x'", "must be an array of tables"),
        (b"a = " + b"[" * 3000 + b"]" * 3000, "nested too deeply"),
        (b"cluster = '" + b"a" * 64 + b"'", "at most 63"),
    ],
)
def test_what_is_no_kick_toml_at_all_is_said_in_words(raw: bytes, why: str) -> None:
    with pytest.raises(ConfigError) as raised:
        load_kick(raw, "there/kick.toml")
    assert why in str(raised.value)
    assert all(each.where == "there/kick.toml" for each in raised.value.mistakes)


VALUES = st.recursive(
    st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(
        ["example.com", "*.example.com", "public", "A", "local", "10.0.0.0/8", "5s", "shop"]
    ),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(sorted({part for key in KICK_KEYS for part in key.path.split(".")})),
        inner,
        max_size=4,
    ),
    max_leaves=20,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from([k.path.split(".")[0] for k in KICK_KEYS]), VALUES))
def test_no_file_is_beyond_words(data: dict[str, object]) -> None:
    text = "".join(f"{name} = {spelled(value)}\n" for name, value in data.items())
    assert tomllib.loads(text) == data
    try:
        load_kick(text)
    except ConfigError as error:
        assert error.mistakes


def spelled(value: object) -> str:
    """As inline TOML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name} = {spelled(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(spelled, value)) + "]"
    if isinstance(value, str):
        return '"' + "".join(f"\\U{ord(letter):08x}" for letter in value) + '"'
    return str(value)
