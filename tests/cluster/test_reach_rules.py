"""What commands ask from a server, which every way into a cluster ends at, is open to servers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cluster.test_reach_way import BASTION, CLUSTER, made
from toolkit.cluster.config import places
from toolkit.cluster.template.security import DYNAMIC, HOOK, KICK, SSH, rules


@pytest.mark.parametrize(
    ("group", "ports", "why"),
    [
        ("SgServer", (places.NOMAD_HTTP,), "Nomad on the other servers"),
        ("SgServer", (places.CONSUL_HTTPS,), "Consul on the other servers"),
        ("SgNode", DYNAMIC, "which release an instance says it is"),
        ("SgFront", (8081, 8082), "Traefik's inner entrance and API"),
        ("SgControl", (KICK,), "the kick server"),
        ("SgControl", (HOOK,), "the hook server"),
    ],
)
def test_a_verdict_can_be_had(tmp_path: Path, group: str, ports: tuple[int, ...], why: str) -> None:
    open_to = [
        range(rule.first, rule.last + 1)
        for rule in rules(made(tmp_path))
        if (rule.group, rule.source, rule.protocol) == (group, "SgServer", "tcp")
    ]
    assert all(any(port in each for each in open_to) for port in ports), why


def test_the_bastion_reaches_nothing_but_sshd(tmp_path: Path) -> None:
    found = [
        rule for rule in rules(made(tmp_path, CLUSTER + BASTION)) if rule.source == "SgBastion"
    ]
    assert {(rule.group, rule.first, rule.last) for rule in found} == {
        ("SgServer", SSH, SSH), ("SgNode", SSH, SSH),
    }  # fmt: skip
