"""What is said of a cluster in AWS."""

from __future__ import annotations

from dataclasses import replace

from tests.unit.filled_look import CLUSTER_STATUS
from toolkit.views.cluster import status as view


def test_what_there_is_comes_first_then_what_is_wrong_then_what_nobody_saw() -> None:
    assert view.lines(CLUSTER_STATUS) == [
        "prod · eu-west-1 · account 123456789012",
        "stack     UPDATE_COMPLETE · everything of it was changed · protected",
        "server    zone        address      machine  state    configuration  raft",
        "server-1  eu-west-1a  10.42.0.11   i-1      running  current        leader",
        "server-2  eu-west-1b  10.42.32.12  -        none     unknown        unseen",
        "pool      min  max  wanted  in service      starting  draining  earlier  Nomad",
        "frontend  2    3    2       2 (1 not well)  0         1         1        unseen",
        "worker    1    4    1       1               0         0         0        1 ready",
        "target  port  balancer",
        "i-4     80    healthy",
        "i-5     80    unhealthy: Request timed out",
        "edge      prod-Edge-1.eu-west-1.elb.amazonaws.com",
        "zone      prod.internal (private) Z1 has 2 of 3 names of the cluster, not"
        " server-2.prod.internal",
        "zone      example.com (public) is not there",
        "trust     the first of 1 to end is server/tls/consul, on 2027-11-23, in 364 days",
        "alarms    QuorumLost ALARM",
        "drain     2 notices of machines to drain wait, 1 are being worked on",
        "wrong     Consul: server-2 does not answer for itself",
        "wrong     the alarm QuorumLost rings",
        "unseen    the secrets: denied",
        "unwell    server-2 has no machine",
        "next      toolkit cluster up prod",
    ]


def test_the_first_thing_that_is_wrong_is_the_sentence_and_is_said_once() -> None:
    lines = view.lines(CLUSTER_STATUS)
    assert sum("server-2 has no machine" in each for each in lines) == 1


def test_what_is_wrong_is_never_left_out_for_the_word() -> None:
    odd = replace(CLUSTER_STATUS, word="unseen", sentence="x")
    assert "wrong     server-2 has no machine" in view.lines(odd)
