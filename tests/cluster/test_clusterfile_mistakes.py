"""What a cluster file cannot say: every mistake, with its key, its line and a way out."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cluster.cluster_files import (
    CERTIFICATE,
    FULL,
    PLAIN,
    SSH_KEY,
    SUM,
    WHERE,
    changed,
    mistakes,
    read,
)
from toolkit.config.clusterfile import check_complete
from toolkit.errors import ConfigError

KEY = "AKIA" + "ABCDEFGHIJKLMNOP"

TABLE: list[tuple[str, Any, str, str | None]] = [
    ("region", None, "says no region", 'region = "eu-west-1"'),
    ("region", "eu-west1", '"eu-west1" is no region', '"eu-west-1"'),
    ("region", "eu-west-1a", "is no region", "eu-west-1"),
    ("region", "EU-WEST-1", "is no region", "eu-west-1"),
    ("region", 1, "must be a string", "quotes"),
    ("zones", ["a", "b", "c"], '"a" is only a letter', '"eu-west-1a"'),
    ("zones", ["us-east-1a", "us-east-1b", "us-east-1c"], "no zone of eu-west-1", "eu-west-1a"),
    ("zones", ["eu-west-1a", "eu-west-1b"], "3 to 6", None),
    ("zones", [f"eu-west-1{letter}" for letter in "abcdeff"], "twice", None),
    ("zones", ["eu-west-1a", "eu-west-1b", "eu-west-1-lon-1a"], "a local zone", None),
    ("zones", ["eu-west-1a", "eu-west-1b", "euw1-az1"], "the id of a zone", "eu-west-1a"),
    ("zones", ["eu-west-1a", "eu-west-1b", "eu-west-1g"], "no zone", "eu-west-1a"),
    ("zone", [], "unknown key", "zones"),
    ("account", "12345", "12 digits", None),
    ("account", 123456789012, "must be a string", "quotes"),
    ("datacenter", "Dublin 1", "lower-case", None),
    ("network.range", "10.1.2.3/16", "is no network", "10.1.0.0/16"),
    ("network.range", "everything", "is no network", "10.42.0.0/16"),
    ("network.range", "fd00::/16", "IPv6", None),
    ("network.range", "10.0.0.0/8", "does not fit", "/16 to /22"),
    ("network.range", "10.7.0.0/24", "does not fit", "/16 to /22"),
    ("network.range", "8.8.0.0/16", "no private range", "10.0.0.0/8"),
    ("network.range", "172.17.0.0/18", "Docker's bridge", None),
    ("network.range", "172.26.64.0/20", "Nomad's bridge", None),
    ("network.connected", ["10.0.0.0/8"], "overlaps the cluster's own range", "network.range"),
    ("network.connected", "10.0.0.0/16", "array of strings", "["),
    ("network.nat", "both", '"single", "per-az" or "none"', None),
    ("network.nat", "none", "cannot be reached without NAT", "s3.eu-west-1.amazonaws.com"),
    ("network.rnage", "10.7.0.0/16", "unknown key", '"range"'),
    ("domain.public", "example", "is a top level", None),
    ("domain.public", "*.example.com", "no name of a zone", None),
    ("domain.public", "exa mple.com", "is no name", None),
    ("domain.public", "a..b.com", "two dots", None),
    ("domain.public", f"{'a' * 64}.com", "63 characters", None),
    ("domain.public", "10.0.0.1", "address", None),
    ("domain.public_zone", "/hostedzone/Z1", "no id of a hosted zone", "after /hostedzone/"),
    ("domain.private", "example.com", "would hide the public example.com", "prod.internal"),
    ("domain.private", "com", "is a top level", None),
    ("domain.private", "prod.consul", "would hide consul", None),
    ("domain.private", "compute.internal", "would hide compute.internal", None),
    ("domain.private", "prod.local", "would hide local", None),
    ("servers.type", "large", "no instance type", "t3.medium"),
    ("servers.type", "mac2.metal", "does not run Linux", None),
    ("servers.volume", 4, "at least 8", None),
    ("servers.volume", 20.5, "must be an integer", None),
    ("servers.count", 5, "unknown key", None),
    ("pools", {}, "says no pool", "[pools.frontend]"),
    ("pools", None, "says no pool", "[pools.frontend]"),
    ("pools.worker.min", 0, "at least 1", None),
    ("pools.worker.max", 0, "at least 1", None),
    ("pools.worker.min", 21, "is 21, above max, which is 20", None),
    ("pools.worker.max", 501, "at most 500", None),
    ("pools.worker.type", None, "says no type", "t3"),
    ("pools.worker.spot", 101, "at most 100", None),
    ("pools.worker.spot", "50%", "must be an integer", None),
    ("pools.worker.node_class", "a b", "takes letters", None),
    ("pools.worker.node_class", "control", "control machine", None),
    ("pools.worker.node_pool", "all", "no worker may be in", "default"),
    ("pools.worker.node_pool", "control", "no worker may be in", "default"),
    ("pools.worker.drain", "5m", "at most 280 s", None),
    ("pools.worker.volume", 30, "unknown key", "root_volume"),
    ("pools.server", {"type": "t3.small"}, "of its own", None),
    ("pools.control", {"type": "t3.small"}, "of its own", None),
    ("pools.Big", {"type": "t3.small"}, "lower-case", None),
    ("pools.front-end", {"type": "t3.small"}, 'too like the pool "frontend"', None),
    ("pools.big", 3, "must be a table", None),
    ("edge.kind", "elb", '"alb" or "nlb"', None),
    ("edge.pool", "front", 'the pool "front", which is none', "frontend"),
    ("edge.http", 70000, "at most 65535", None),
    ("edge.http", 8443, "8443 is the port of http already", None),
    ("edge.certificate", None, "needs a certificate", "arn:aws:acm"),
    ("edge.https", 0, "https is 0", None),
    ("edge.certificate", "arn:aws:iam::123456789012:server-certificate/x", "a certificate",
     "arn:aws:acm:eu-west-1:123456789012:certificate/"),
    ("edge.certificate", CERTIFICATE.replace("eu-west-1", "us-east-1"), "is in us-east-1", None),
    ("edge.certificate", CERTIFICATE.replace("123456789012:", "210987654321:"),
     "of account 210987654321", None),
    ("edge.certificate", CERTIFICATE.replace("aws:acm", "aws-cn:acm"), "partition", None),
    ("edge.names", ["shop.example.org"], "is not in example.com", ".example.com"),
    ("edge.names", ["shop"], "is not in example.com", '"shop.example.com"'),
    ("edge.names", ["notexample.com"], "is not in example.com", None),
    ("edge.names", ["a.example.com", "A.example.com."], "twice", None),
    ("edge.names", ["_toolkit.example.com"], "owner records", None),
    ("edge.traefik_port", 4646, "4646 is a port of Nomad", None),
    ("edge.private_port", 8500, "8500 is a port of Consul", None),
    ("edge.ping_port", 22, "22 is a port of SSH", None),
    ("edge.ping_port", 25000, "that Nomad hands out", None),
    ("edge.ping_port", 9081, "9081 is private_port already", None),
    ("edge.drain", "10s", "at least 28 s", None),
    ("bastion.allowed", None, "nobody who may reach it", "203.0.113.7/32"),
    ("bastion.allowed", [], "nobody who may reach it", "203.0.113.7/32"),
    ("bastion.allowed", ["0.0.0.0/0"], "everybody", "/32"),
    ("bastion.allowed", ["0.0.0.0/1", "128.0.0.0/1"], "everybody", "/32"),
    ("bastion.allowed", ["32.0.0.0/4"], "a part of the world", "/32"),
    ("bastion.allowed", [f"{n}.0.0.0/8" for n in range(16)], "a part of the world", "/32"),
    ("bastion.allowed", ["::/0"], "IPv6", None),
    ("bastion.allowed", ["10.7.1.0/24"], "overlaps the cluster's own range", None),
    ("bastion.allowed", ["203.0.113.7/24"], "is no network", "203.0.113.0/24"),
    ("bastion.keys", None, "says no public key", "ssh-ed25519"),
    ("bastion.keys", [SSH_KEY, "ssh-ed25519 AAAA\nssh-rsa x"], "control characters", None),
    ("bastion.keys", [SSH_KEY, "me@example.com"], "at place 2 is no public key", None),
    ("images.amd64", "ami-XYZ", "is no image", "ami-…"),
    ("images.x86_64", "ami-0123456789abcdef0", "unknown key", "amd64"),
    ("binaries.nomad", None, "says no nomad", "[binaries.nomad]"),
    ("binaries.nomad.version", None, "says no version", None),
    ("binaries.nomad.version", "v1.11.3", "is no version", '"1.11.3"'),
    ("binaries.nomad.version", "1.8.4", "1.8.4 is too old: 1.9", None),
    ("binaries.consul.version", "1.17.9", "1.17.9 is too old: 1.18", None),
    ("binaries.nomad.amd64.sha256", SUM[:-1], "takes 64 hex digits", "63 characters"),
    ("binaries.nomad.amd64.sha256", "g" * 64, "takes 64 hex digits", None),
    ("binaries.nomad.amd64.address", "http://files.example.com/nomad", "https://", None),
    ("binaries.nomad.amd64.address", "https://me:pw@files.example.com/n", "no user", None),
    ("binaries.nomad.amd64.address", "https://files.example.com/n?X-Amz=1", "query", None),
    ("binaries.nomad.amd64.address", 'https://files.example.com/"$(id)"', "letters", None),
    ("binaries.nomad.amd64.address", "https://[::1/n", "no address", None),
    ("binaries.traefik", {"version": "3.7.15"}, "unknown key", None),
    ("permission_boundary", "arn:aws:iam::123456789012:role/x", "ARN of a policy", "policy/"),
    ("permission_boundary", "arn:aws:iam::210987654321:policy/x", "of account 210987654321", None),
    ("alarms.topic", "arn:aws:sns:us-east-1:123456789012:alarms", "is in us-east-1", None),
    ("tags.aws:x", "1", "set by AWS", None),
    ("tags.Toolkit:cluster", "1", "set by toolkit", None),
    ("tags.Name", "1", "set by toolkit", None),
    ("tags.long", "x" * 257, "too long", None),
    ("tags.odd", "a;b", "takes letters", None),
    ("tags.none", "", "is empty", None),
    ("tags", {f"tag{n}": "x" for n in range(41)}, "are 41", None),
    ("tags.number", 3, "must be a string", "quotes"),
    ("secret_key", "x", "looks like a secret", "AWS's own files"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "value", "message", "hint"),
    TABLE,
    ids=lambda x: str(x)[:30],
)
def test_one_mistake(path: str, value: Any, message: str, hint: str | None) -> None:
    found = mistakes(changed(path, value))
    fitting = next(mistake for mistake in found if message in mistake.message)
    assert fitting.where == WHERE
    assert hint is None or hint in (fitting.hint or "")
    top = path.partition(".")[0]
    if value is None and "." not in path:
        assert fitting.line is None
    elif fitting.key is not None and fitting.key.partition(".")[0] == top:
        assert fitting.line == [*changed(path, value)].index(top) + 1


@pytest.mark.parametrize(
    ("path", "value", "message", "_hint"),
    [row for row in TABLE if row[1] is not None],
    ids=lambda x: str(x)[:30],
)
def test_a_mistake_leads_to_few_others(path: str, value: Any, message: str, _hint: Any) -> None:
    """Each stands for itself, except where half of the file hangs on what is wrong."""
    found = mistakes(changed(path, value))
    most = {"network.nat": 9, "zones": 3}.get(path, 2)
    assert 1 <= len(found) <= most, [str(mistake) for mistake in found]


def test_lines_and_keys_of_a_file_as_people_write_them() -> None:
    text = PLAIN + (
        "\n[network]\nrange = '10.0.0.0/24'\n\n[pools.worker]\ntype = 't3.large'\nmin = 3\n"
        "max = 2\nspto = 5\n[bastion]\nkeys = []\n"
    )
    found = [(mistake.key, mistake.line) for mistake in mistakes(text)]
    assert found == [
        ("network.range", 10), ("pools.worker.min", 14), ("pools.worker.spto", 16),
        ("bastion.allowed", 17), ("bastion.keys", 18),
    ]  # fmt: skip


def test_pools_that_do_not_fit_into_the_range() -> None:
    text = PLAIN.replace("t3.small", "t3.small'\nmax = 200 #".replace("'", '"'))
    [found] = mistakes(text + '[network]\nrange = "10.0.0.0/22"\n')
    assert (found.key, "does not fit" in found.message) == ("network.range", True)
    assert "404" in found.message
    assert mistakes(text) == []


@pytest.mark.parametrize(
    "text",
    [
        f"# {KEY}\n", f'account = "{KEY}"\n', f'[tags]\nx = "a {KEY}"\n', f'{KEY} = 1\n',
        "# -----BEGIN EC PRIVATE KEY-----\n", 'aws_secret_access_key = "' + "a/B+" * 10 + '"\n',
        "# SecretAccessKey: " + "a/B+" * 10,
    ],
)  # fmt: skip
def test_a_credential_is_refused_and_not_repeated(text: str) -> None:
    found = mistakes(text + PLAIN)
    said = [mistake for mistake in found if "never holds a credential" in mistake.message]
    assert [mistake.line for mistake in said] == [text[: text.find("\n")].count("\n") + 1] or (
        text.startswith("[tags]") and said[0].line == 2
    )
    for mistake in said:
        assert KEY not in str(mistake)
        assert "a/B+" not in str(mistake)


def test_a_secret_in_the_wrong_place_is_in_no_message() -> None:
    for path in ("region", "account", "network.range", "domain.private", "servers.type"):
        for mistake in mistakes(changed(path, ["hunter2"])):
            assert "hunter2" not in str(mistake)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Prod", "lower-case"), ("a--b", "single -"), ("a-", "single -"), ("1a", "letter"),
        ("a" * 25, "24 characters"), ("prod-rehearsal", "rehearsal"), ("aws", "uses itself"),
        ("internal-x", "uses itself"), ("../x", "lower-case"), ("", "lower-case"),
        ("prod\n", "lower-case"),
    ],
)  # fmt: skip
def test_names_that_cannot_be(name: str, message: str) -> None:
    from toolkit.config.clusterfile_names import wrong_name

    assert message in (wrong_name(name) or "")


def test_what_has_no_sum_is_a_file_but_makes_no_machine() -> None:
    file = read(PLAIN)
    with pytest.raises(ConfigError) as caught:
        check_complete(file)
    found = [(mistake.key, mistake.line) for mistake in caught.value.mistakes]
    assert found == [("binaries.nomad.amd64.sha256", 4), ("binaries.consul.amd64.sha256", 6)]
    assert "nomad_1.11.3_linux_amd64.zip" in (caught.value.mistakes[0].hint or "")
    full = read(
        {**FULL, "binaries": {name: FULL["binaries"][name] for name in ("nomad", "consul")}}
    )
    check_complete(full)
    with pytest.raises(ConfigError) as caught:
        check_complete(read(FULL))
    assert {mistake.key for mistake in caught.value.mistakes} == {
        "binaries.cni.amd64.sha256", "binaries.cni.arm64.sha256",
    }  # fmt: skip
