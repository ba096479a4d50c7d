"""A cluster file that is right: its values and defaults, and that writing it loses nothing."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cluster.cluster_files import FULL, PLAIN, SUM, as_file, changed, mistakes, read
from toolkit.config.clusterfile import load_cluster, parse_cluster
from toolkit.config.clusterfile_names import cluster_names
from toolkit.config.clusterfile_schema import CLUSTER_KEYS
from toolkit.config.clusterfile_text import write_cluster
from toolkit.config.schema import ANY
from toolkit.errors import ConfigError
from toolkit.spec.cluster import Bastion, Download, Edge, Pool, Servers, arch_of
from toolkit.spec.tree import DictTree


def test_the_shortest_file() -> None:
    cluster = read(PLAIN).cluster
    assert cluster.zones == ("eu-west-1a", "eu-west-1b", "eu-west-1c")
    assert cluster.network == IPv4Network("10.42.0.0/16")
    assert (cluster.private_domain, cluster.public_domain) == ("prod.internal", None)
    assert cluster.servers == Servers("t3.medium", 20, 16)
    assert dict(cluster.pools) == {"frontend": Pool("frontend", "t3.small", node_class="frontend")}
    assert cluster.control.role == "control"
    assert cluster.edge == Edge()
    assert (cluster.arches, list(cluster.images)) == (("amd64",), ["amd64"])
    nomad = cluster.binaries["nomad"].downloads["amd64"]
    assert nomad.address.endswith("/nomad/1.11.3/nomad_1.11.3_linux_amd64.zip")
    assert (nomad.sha256, nomad.packed) == ("", "zip")
    assert (cluster.protected, cluster.nat, cluster.bastion) == (True, "single", None)


def test_a_file_with_every_key() -> None:
    cluster = read(FULL).cluster
    assert cluster.arches == ("amd64", "arm64")
    assert cluster.connected == (IPv4Network("10.0.0.0/16"),)
    assert cluster.pools["worker"] == Pool(
        "worker", "m7gd.xlarge", 1, 20, 80, "heavy", "batch", True, 60, 240.0
    )
    assert cluster.edge.names == ("shop.example.com", "*.shop.example.com")
    assert (cluster.edge.http, cluster.edge.https, cluster.edge.redirect) == (8080, 8443, False)
    assert cluster.edge.drain == 45.0
    assert cluster.bastion == Bastion(
        (IPv4Network("203.0.113.0/24"),), (FULL["bastion"]["keys"][0],), "t4g.nano"
    )
    consul = cluster.binaries["consul"].downloads
    assert consul["arm64"] == Download("https://files.example.com/consul-1.22.7", SUM)
    assert consul["arm64"].packed == ""
    assert cluster.binaries["nomad"].downloads["arm64"].sha256 == SUM
    assert cluster.tags["Größe"] == "ß"


def test_every_key_is_in_the_full_file() -> None:
    """So that the round trip below is one of every key."""

    def there(table: Any, parts: list[str]) -> bool:
        if not parts:
            return True
        if parts[0] == ANY:
            return any(there(inner, parts[1:]) for inner in table.values())
        return isinstance(table, dict) and parts[0] in table and there(table[parts[0]], parts[1:])

    missing = {key.path for key in CLUSTER_KEYS if not there(FULL, key.path.split("."))}
    # The plugins have no sums there, and only one address is said.
    assert all(path.startswith("binaries.") for path in missing)


def test_https_needs_no_more_than_a_certificate() -> None:
    edge = {"certificate": FULL["edge"]["certificate"]}
    cluster = read(changed("edge", edge)).cluster
    assert (cluster.edge.http, cluster.edge.https, cluster.edge.redirect) == (80, 443, True)
    assert cluster.edge.names == ("prod.example.com",)
    cluster = read(changed("edge", {**edge, "kind": "nlb"})).cluster
    assert (cluster.edge.http, cluster.edge.https, cluster.edge.redirect) == (80, 443, False)
    cluster = read(changed("edge", {**edge, "http": 0})).cluster
    assert (cluster.edge.http, cluster.edge.https, cluster.edge.redirect) == (None, 443, False)


def test_other_parts_of_aws_have_arns_of_their_own() -> None:
    text = PLAIN.replace("eu-west-1", "us-gov-west-1")
    assert (
        mistakes(f'permission_boundary = "arn:aws-us-gov:iam::123456789012:policy/b"\n{text}') == []
    )
    text = PLAIN.replace("eu-west-1", "cn-north-1")
    assert mistakes(f'permission_boundary = "arn:aws-cn:iam::aws:policy/b"\n{text}') == []


def test_without_nat_everything_comes_from_s3_of_the_region() -> None:
    base = "https://bucket.s3.eu-west-1.amazonaws.com"
    text = f"""{PLAIN}[binaries.consul.amd64]
address = "{base}/consul"
[binaries.nomad.amd64]
address = "{base}/nomad.zip"
[network]
nat = "none"
"""
    assert read(text).cluster.nat == "none"
    [found] = mistakes(
        text.replace("s3.eu-west-1.amazonaws.com/consul", "s3.us-east-1.amazonaws.com/c")
    )
    assert found.key == "binaries.consul.amd64.address"
    assert mistakes(text.replace("bucket.s3.eu-west-1.amazonaws.com", "amazonaws.com.example.com"))


@pytest.mark.parametrize(
    ("kind", "arch"),
    [
        ("t3.small", "amd64"), ("m6i.large", "amd64"), ("g4dn.xlarge", "amd64"),
        ("u-6tb1.metal", "amd64"), ("t4g.nano", "arm64"), ("m7gd.large", "arm64"),
        ("im4gn.large", "arm64"), ("x2gd.medium", "arm64"), ("a1.large", "arm64"),
        ("hpc7g.4xlarge", "arm64"), ("g5g.xlarge", "arm64"), ("g6.large", "amd64"),
    ],
)  # fmt: skip
def test_the_processor_of_a_type(kind: str, arch: str) -> None:
    assert arch_of(kind) == arch


def test_names_in_a_tree_and_what_is_near() -> None:
    files = {
        "clusters/prod.toml": PLAIN.encode(), "clusters/staging.toml": b"x =",
        "clusters/README.md": b"", "clusters/Bad.toml": b"", "clusters/a/b.toml": b"",
    }  # fmt: skip
    tree = DictTree(files)
    assert cluster_names(tree) == ("prod", "staging")
    assert load_cluster(tree, "prod").cluster == read(PLAIN).cluster
    with pytest.raises(ConfigError, match='did you mean "staging"'):
        load_cluster(tree, "stagin")
    with pytest.raises(ConfigError, match=r"staging\.toml:1: is not valid TOML"):
        load_cluster(tree, "staging")
    with pytest.raises(ConfigError, match="lower-case"):
        load_cluster(tree, "../toolkit")
    with pytest.raises(ConfigError, match="toolkit cluster init prod"):
        load_cluster(DictTree({}), "prod")


@pytest.mark.parametrize("data", [PLAIN, FULL], ids=["plain", "full"])
def test_what_is_written_reads_back_as_equal(data: Any) -> None:
    file = read(data)
    text = write_cluster(file.cluster)
    assert read(text).cluster == file.cluster
    assert write_cluster(read(text).cluster) == text


letters = st.lists(st.sampled_from("abcdef"), min_size=3, max_size=6, unique=True)
types = st.sampled_from(["t3.small", "m7g.large", "c6gd.xlarge", "i4i.large", "u-6tb1.metal"])
labels = st.from_regex(r"[a-z](?:[a-z0-9]{0,8}[a-z0-9])?", fullmatch=True)
sums = st.one_of(st.just(""), st.from_regex(r"[0-9a-f]{64}", fullmatch=True))
disks = st.integers(8, 500)


@st.composite
def pools(draw: st.DrawFn) -> dict[str, Any]:
    least = draw(st.integers(1, 20))
    return {
        "type": draw(types), "min": least, "max": least + draw(st.integers(0, 20)),
        "spot": draw(st.integers(0, 100)), "ephemeral": draw(st.booleans()),
        "root_volume": draw(disks), "drain": draw(st.integers(0, 280)),
        "node_class": draw(labels.filter(lambda name: name != "control")),
        "node_pool": draw(labels.filter(lambda name: name not in {"all", "control"})),
    }  # fmt: skip


@st.composite
def files(draw: st.DrawFn) -> dict[str, Any]:
    """Files that are right, of every shape that hangs together."""
    region = draw(st.sampled_from(["eu-west-1", "us-east-1", "ap-southeast-2"]))
    public = draw(st.none() | labels.map(lambda label: f"{label}.example.com"))
    names = draw(st.lists(labels, max_size=3, unique=True))
    secure = draw(st.booleans())
    taken = {"server", "servers", "bastion", "edge", "control"}
    data: dict[str, Any] = {
        "region": region,
        "zones": [region + letter for letter in draw(letters)],
        "protected": draw(st.booleans()),
        "network": {
            "range": f"10.{draw(st.integers(0, 255))}.0.0/{draw(st.integers(16, 19))}",
            "nat": draw(st.sampled_from(["single", "per-az"])),
        },
        "servers": {"type": draw(types), "volume": draw(disks)},
        "pools": draw(st.dictionaries(
            labels.filter(lambda name: name not in taken), pools(), min_size=1, max_size=4)),
        "binaries": {
            name: {"version": f"{major}.{draw(st.integers(20, 40))}.0", draw(
                st.sampled_from(["amd64", "arm64"])): {"sha256": draw(sums)}}
            for name, major in (("nomad", 1), ("consul", 1), ("cni", 1))
        },
        "tags": draw(st.dictionaries(st.text("abcXYZ _.:/=+-@é", min_size=1, max_size=9).filter(
            lambda key: not key.lower().startswith(("aws:", "toolkit:"))), labels, max_size=3)),
    }  # fmt: skip
    data["edge"] = {"pool": draw(st.sampled_from([*data["pools"]]))}
    if secure:
        data["edge"] |= {
            "certificate": f"arn:aws:acm:{region}:123456789012:certificate/1",
            "kind": draw(st.sampled_from(["alb", "nlb"])),
        }
    if public is not None:
        data["domain"] = {"public": public}
        data["edge"]["names"] = [f"{name}.{public}" for name in names]
    return data


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(files())
def test_any_file_that_is_right_survives_being_written(data: dict[str, Any]) -> None:
    _survives(data)


@pytest.mark.soak
@settings(deadline=None, max_examples=1000, suppress_health_check=[HealthCheck.too_slow])
@given(files())
def test_very_many_files_that_are_right_survive_being_written(data: dict[str, Any]) -> None:
    _survives(data)


def _survives(data: dict[str, Any]) -> None:
    assert [str(mistake) for mistake in mistakes(data)] == []
    cluster = read(data).cluster
    assert read(write_cluster(cluster)).cluster == cluster


odd = st.one_of(
    st.integers(), st.floats(), st.booleans(), st.text(max_size=6),
    st.sampled_from(
        ["eu-west-1", "eu-west-1a", "10.0.0.0/16", "::/0", "0.0.0.0/0", "t3.small", "example.com",
         "arn:aws:acm:eu-west-1:123456789012:certificate/x", "none", "1.11.3", "https://[", "2m",
         "ami-01234567", "a" * 300, "\x7f", "☃", "..", "*.", "control"]
    ),
    st.lists(st.one_of(st.text(max_size=3), st.integers(), st.just("0.0.0.0/1")), max_size=3),
    st.builds(dict),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)  # fmt: skip


@st.composite
def tables(draw: st.DrawFn) -> dict[str, Any]:
    """Tables of keys that exist, with values that may not."""
    data: dict[str, Any] = {}
    for key in draw(st.lists(st.sampled_from(CLUSTER_KEYS), max_size=10)):
        parts = [
            draw(st.sampled_from(["frontend", "a", "a-b", "control", "", "x y"]))
            if part == ANY
            else part
            for part in key.path.split(".")
        ]
        table = data
        for part in parts[:-1]:
            inner = table.setdefault(part, {})
            if not isinstance(inner, dict):
                break
            table = inner
        else:
            table[parts[-1]] = draw(odd)
    return data


def check(raw: bytes) -> None:
    try:
        cluster = parse_cluster(raw, "prod", "clusters/prod.toml").cluster
    except ConfigError as error:
        assert error.mistakes
        for mistake in error.mistakes:
            assert mistake.message
            assert "\x1b" not in str(mistake)
            assert "\n" not in str(mistake)
    else:
        assert parse_cluster(write_cluster(cluster).encode(), "prod", "x").cluster == cluster


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tables())
def test_keys_that_exist_with_values_that_may_not(data: dict[str, Any]) -> None:
    check(as_file(data))
    check(as_file({**FULL, **data}))


@settings(deadline=None)
@given(st.one_of(st.binary(), st.text("[]{}=\"'.#\n\\ab1,").map(str.encode)))
def test_any_bytes(raw: bytes) -> None:
    check(raw)
