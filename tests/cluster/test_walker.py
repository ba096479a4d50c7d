"""No rendered template has what the walker knows to be unsafe; and the walker sees what is."""

from __future__ import annotations

import base64
import copy
import os
import tomllib
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings

from tests.cluster.broken import BROKEN, CANARY, Break, Document
from tests.cluster.canary import sightings
from tests.cluster.templates import BOUNDARY, MATRIX, Rendered, cluster, clusters, full, rendered
from tests.cluster.walker import PREDICATES, walk
from tests.cluster.walker_network import TRAEFIK_GRACE
from toolkit.cluster.secrets import make_secrets, read_secrets
from toolkit.cluster.secrets.folder import FolderStore
from toolkit.cluster.template import LARGEST
from toolkit.config.durations import parse_duration
from toolkit.errors import RefusedError
from toolkit.spec.cluster import Cluster

JOBS = Path(__file__).parents[2] / "jobs"


@cache
def whole() -> Rendered:
    """The template that has all there is."""
    return rendered(full())


def said_of(broken: Document) -> set[str]:
    """The predicates that say something."""
    found = walk(Rendered.broken(broken), boundary=BOUNDARY, canaries=(CANARY,))
    return {each.partition(":")[0] for each in found}


@pytest.mark.parametrize("name", MATRIX)
def test_no_template_of_the_matrix_is_unsafe(name: str) -> None:
    one = MATRIX[name]
    assert walk(rendered(one), boundary=one.permission_boundary or "", canaries=(CANARY,)) == []


def judge(one: Cluster) -> None:
    try:
        template = rendered(one)
    except RefusedError as error:
        assert f"{LARGEST:,}" in error.message
        return
    assert walk(template, boundary=one.permission_boundary or "", canaries=(CANARY,)) == []


@settings(max_examples=40, deadline=None)
@given(clusters())
def test_no_template_of_any_cluster_is_unsafe(one: Cluster) -> None:
    judge(one)


@pytest.mark.soak
@settings(max_examples=3000, deadline=None)
@given(clusters())
def test_no_template_of_very_many_clusters_is_unsafe(one: Cluster) -> None:
    judge(one)


def test_the_walker_knows_what_traefik_takes_to_end() -> None:
    variables = tomllib.loads((JOBS / "traefik" / "job.toml").read_text())["variables"]
    grace = [parse_duration(variables[key]) for key in ("accept_grace", "drain_grace")]
    assert sum(grace) == TRAEFIK_GRACE


@pytest.mark.parametrize(
    ("predicate", "change"), [each[::2] for each in BROKEN], ids=[each[1] for each in BROKEN]
)
def test_what_is_unsafe_is_seen(predicate: str, change: Break) -> None:
    document = copy.deepcopy(whole().document)
    change(document)
    assert document != whole().document
    assert predicate in said_of(document)


def test_every_predicate_has_been_seen_to_fail() -> None:
    assert {each.__name__ for each in PREDICATES} <= {predicate for predicate, *_ in BROKEN}


@pytest.mark.parametrize("kind", sorted({
    "EC2::LaunchTemplate", "EC2::Volume", "EC2::NetworkInterface", "SQS::Queue", "IAM::Policy",
    "ElasticLoadBalancingV2::TargetGroup", "ElasticLoadBalancingV2::Listener",
    "EC2::SecurityGroupIngress",
}))  # fmt: skip
def test_a_predicate_that_finds_nothing_to_look_at_says_so(kind: str) -> None:
    document = copy.deepcopy(whole().document)
    document["Resources"] = {
        name: each for name, each in document["Resources"].items() if each["Type"] != f"AWS::{kind}"
    }
    assert said_of(document)


def test_secrets_of_the_cluster_are_in_nothing_that_is_rendered(tmp_path: Path) -> None:
    one = cluster()
    store = FolderStore(tmp_path / "secrets")
    make_secrets(store, one, datetime(2026, 1, 1, tzinfo=UTC), random=os.urandom)
    values = tuple(each.reveal() for each in read_secrets(store, one).values())
    assert walk(rendered(one), canaries=values) == []


@pytest.mark.parametrize("text", [
    f"token={CANARY}".encode(),
    CANARY.encode().hex().encode(),
    base64.b64encode(CANARY.encode()),
    base64.b64encode(b"x" + CANARY.encode() + b"yz"),
    base64.b64encode(b"xy" + CANARY.encode() + b"z"),
    base64.urlsafe_b64encode(b"xyz" + CANARY.encode()),
    b"t=hunter2-Zm9vYmFy%2B%2F%3D%3D",
])  # fmt: skip
def test_a_secret_is_seen_in_any_disguise(text: bytes) -> None:
    assert list(sightings(text, [CANARY]))
    assert not list(sightings(text, ["hunter3-Zm9vYmFy+/=="]))
