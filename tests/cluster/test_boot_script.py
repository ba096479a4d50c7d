"""Boot scripts as texts: pure, lint-free, small, and nothing runs whose sum nobody said."""

from __future__ import annotations

import base64
import gzip
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from tests.cluster import machines
from toolkit.cluster.boot import (
    boot_arguments,
    boot_parameters,
    boot_script,
    group_id,
    script_digest,
    user_data,
)
from toolkit.cluster.boot.userdata import LONGEST
from toolkit.cluster.config.floors import numbers, too_old
from toolkit.errors import RefusedError
from toolkit.spec.cluster import Cluster, Download, Pool, Release, Role

ROLES: tuple[Role, ...] = ("server", "worker", "control")
SOURCES = Path(__file__).parents[2] / "toolkit" / "cluster" / "boot"


def shellcheck(text: str, *options: str) -> str:
    program = Path(sys.executable).with_name("shellcheck")
    found = subprocess.run([program, "-s", "bash", *options, "-"], input=text, text=True,
                           capture_output=True, timeout=60)  # fmt: skip
    assert found.returncode in {0, 1}, found.stderr
    return found.stdout


def with_release(cluster: Cluster, name: str, release: Release) -> Cluster:
    binaries: Mapping[Any, Release] = {**cluster.binaries, name: release}
    return replace(cluster, binaries=MappingProxyType(binaries))


@pytest.mark.parametrize("role", ["server", "worker"])
def test_the_whole_script_is_without_a_finding(role: Role) -> None:
    assert shellcheck(boot_script(machines.cluster(), role).decode()) == ""


def test_aws_own_programs_are_without_a_finding() -> None:
    given = "cluster=prod region=eu-west-1\n"
    assert shellcheck(given + (SOURCES / "aws.sh").read_text(), "-e", "SC1091,SC2148") == ""


def test_the_linter_would_find_something() -> None:
    assert "SC2086" in shellcheck("#!/bin/bash\nname=$1\nrm $name\n")


def test_users_data_is_a_script_without_a_finding() -> None:
    cluster = machines.cluster()
    for role, pool in (("server", ""), ("worker", "worker")):
        text = user_data(cluster, role, script_digest(boot_script(cluster, role)), pool)  # type: ignore[arg-type]
        assert shellcheck(text) == ""


def test_the_control_machines_script_is_the_workers() -> None:
    cluster = machines.cluster()
    assert boot_script(cluster, "control") == boot_script(cluster, "worker")


@pytest.mark.parametrize("role", ROLES)
def test_the_same_cluster_has_the_same_script(role: Role) -> None:
    assert boot_script(machines.cluster(), role) == boot_script(machines.cluster(), role)


def test_what_a_pool_says_is_not_in_the_script() -> None:
    """So that a new pool replaces no machine of the others."""
    before = machines.cluster()
    more = {**before.pools, "batch": Pool("batch", machines.TYPE, max=9, node_class="big")}
    after = replace(before, pools=MappingProxyType(more))
    for role in ROLES:
        assert boot_script(after, role) == boot_script(before, role)
    assert boot_parameters(after) == boot_parameters(before)


def test_a_changed_script_has_other_names() -> None:
    """A machine that starts in the middle of an update finds all of the old or all of the new."""
    before = machines.cluster()
    after = machines.cluster(datacenter="dc2")
    names = [{each.name for each in boot_parameters(cluster)} for cluster in (before, after)]
    both = names[0] & names[1]
    assert both and all("/boot/base/" in name for name in both)
    assert names[0] != names[1]
    logical = [[each.logical for each in boot_parameters(cluster)] for cluster in (before, after)]
    assert logical[0] == logical[1]


@pytest.mark.parametrize("role", ROLES)
def test_parameters_hold_the_script_and_fit(role: Role) -> None:
    cluster = machines.cluster()
    parts: dict[str, str] = {}
    for each in boot_parameters(cluster):
        assert 0 < len(each.value) <= LONGEST
        part = each.name.split("/")[4]
        parts[part] = parts.get(part, "") + each.value
    folder = "server" if role == "server" else "worker"
    joined = b"".join(gzip.decompress(base64.b64decode(parts[p])) for p in ("base", folder))
    assert joined == boot_script(cluster, role)
    assert len(joined) < 16384


def test_all_parameters_together_leave_room_in_a_template() -> None:
    """Of its 51,200 bytes."""
    assert sum(len(each.value) for each in boot_parameters(machines.cluster())) <= 10_000


def test_user_data_is_small_and_says_the_digest() -> None:
    cluster = machines.cluster()
    text = user_data(cluster, "worker", "d" * 64, "frontend")
    assert len(text) < 800
    assert f"{'d' * 64}  boot.new" in text
    assert text.endswith("exec /bin/bash /opt/toolkit/boot frontend edge default 0 PoolFrontend\n")


def test_what_a_machine_is_told_of_its_pool() -> None:
    cluster = machines.cluster()
    assert boot_arguments(cluster, "server") == ()
    told = boot_arguments(cluster, "worker", "worker")
    assert told == ("worker", "worker", "batch", "1", "PoolWorker")
    told = boot_arguments(cluster, "control", "control")
    assert told == ("control", "control", "default", "0", "PoolControl")


@pytest.mark.parametrize(
    ("name", "logical"),
    [("server-3", "Server3"), ("worker", "PoolWorker"), ("gpu-large_2", "PoolGpuLarge2")],
)
def test_groups_have_ids_that_a_template_takes(name: str, logical: str) -> None:
    assert group_id(name) == logical


@pytest.mark.parametrize("sum_", ["", "a1" * 31, "A1" * 32, "zz" * 32, "a1" * 32 + "\n"])
def test_a_program_without_a_sum_is_refused(sum_: str) -> None:
    downloads = MappingProxyType({machines.ARCH: Download("https://x.example/nomad.zip", sum_)})
    cluster = with_release(machines.cluster(), "nomad", Release("1.11.3", downloads))
    with pytest.raises(RefusedError, match=r"nomad for .* has no address with a sha256"):
        boot_script(cluster, "server")


def test_a_processor_without_programs_is_refused() -> None:
    cluster = with_release(machines.cluster(), "cni", Release("1.9.0"))
    boot_script(cluster, "server")
    with pytest.raises(RefusedError, match="cni for"):
        boot_script(cluster, "worker")


def test_pools_of_both_processors_find_their_own() -> None:
    other = "arm64" if machines.ARCH == "amd64" else "amd64"
    cluster = machines.cluster()
    for name, release in cluster.binaries.items():
        there = dict(release.downloads)
        there[other] = Download(f"https://x.example/{name}-{other}.zip", "e5" * 32)  # type: ignore[index]
        cluster = with_release(cluster, name, Release(release.version, MappingProxyType(there)))
    pools = {**cluster.pools, "other": Pool("other", machines.TYPES[other][0])}
    cluster = replace(cluster, pools=MappingProxyType(pools))
    text = boot_script(cluster, "worker").decode()
    assert "x86_64)\n" in text and "aarch64)\n" in text
    assert "aarch64" not in boot_script(machines.cluster(), "server").decode() or (
        machines.ARCH == "arm64"
    )


@pytest.mark.parametrize(
    "address",
    ["https://x.example/a b.zip", "https://x.example/$(id).zip", "https://x.example/`id`'\".zip"],
)
def test_an_address_is_one_word_whatever_is_in_it(address: str) -> None:
    downloads = MappingProxyType({machines.ARCH: Download(address, "a1" * 32)})
    cluster = with_release(machines.cluster(), "nomad", Release("1.11.3", downloads))
    text = boot_script(cluster, "server").decode()
    line = next(line for line in text.splitlines() if line.startswith("install nomad"))
    bash = shutil.which("bash")
    assert bash
    said = subprocess.run([bash, "-c", f'install() {{ printf "%s" "$2"; }}; {line}'],
                          capture_output=True, text=True, timeout=30)  # fmt: skip
    assert said.stdout == address


def test_the_ranges_of_two_clusters_do_not_mix() -> None:
    here = boot_script(machines.cluster(), "server").decode()
    there = boot_script(machines.cluster(network=IPv4Network("10.80.0.0/16")), "server").decode()
    assert "slot[10.40.0.11]=server-1" in here and "slot[10.80.0.11]=server-1" in there


@pytest.mark.parametrize(("name", "version"), [("nomad", "1.8.9"), ("consul", "1.17.4")])
def test_versions_that_the_configuration_does_not_fit_are_refused(name: str, version: str) -> None:
    cluster = machines.cluster()
    old = Release(version, cluster.binaries[name].downloads)  # type: ignore[index]
    cluster = with_release(cluster, name, old)
    assert too_old(cluster)[0].startswith(f"{name} {version} is too old")
    with pytest.raises(RefusedError, match="is too old"):
        boot_script(cluster, "worker")


@pytest.mark.parametrize(
    ("text", "parts"),
    [("1.11.3", (1, 11, 3)), ("v2.0.1+ent", (2, 0, 1)), ("1.10", (1, 10, 0)), ("new", (0, 0, 0))],
)
def test_versions_are_compared_as_numbers(text: str, parts: tuple[int, int, int]) -> None:
    assert numbers(text) == parts
