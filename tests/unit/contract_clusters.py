"""The keys of the JSON documents of clusters, pinned with all others."""

from __future__ import annotations

from typing import Any

from tests.unit.filled import REHEARSAL, TEMPLATE
from tests.unit.filled_apply import CLUSTER_PLAN, CLUSTER_UP
from tests.unit.filled_look import CLUSTER_DOWN, CLUSTER_STATUS
from toolkit.spec.cluster_env import EnvReport
from toolkit.spec.cluster_reports import ClusterInitReport
from toolkit.views.cluster import down as cluster_down
from toolkit.views.cluster import env as cluster_env
from toolkit.views.cluster import init as cluster_init
from toolkit.views.cluster import plan as cluster_plan
from toolkit.views.cluster import rehearse as cluster_rehearse
from toolkit.views.cluster import status as cluster_status
from toolkit.views.cluster import template as cluster_template
from toolkit.views.cluster import up as cluster_up

CLUSTERS: list[tuple[str, dict[str, Any], str]] = [
    (
        "toolkit.cluster-init/1",
        cluster_init.document(
            ClusterInitReport(
                "prod", "clusters/prod.toml", "eu-west-1", ("eu-west-1a",), "not asked",
                ("binaries.nomad.amd64.sha256",), "not read", ("toolkit cluster plan prod",),
            )
        ),
        "schema name path region zones[] zones_remark missing[] missing_remark next[]",
    ),
    (
        "toolkit.cluster-plan/1",
        cluster_plan.document(CLUSTER_PLAN),
        "schema name region account stack word code sentence "
        "changes[](word logical kind physical reasons[] warning) "
        "findings[](kind about message hint where key line) checked[] unasked[] "
        "bill(as_of source currency least most units[](key what least most more price) by_use[]) "
        "earlier[](instance name) notes[] next[]",
    ),
    (
        "toolkit.cluster-up/1",
        cluster_up.document(CLUSTER_UP),
        "schema name region account stack word code sentence "
        "changes[](word logical kind physical reasons[] warning) "
        "findings[](kind about message hint where key line) "
        "failures[](logical kind status reason) waits_for[] secrets[] earlier[](instance name) "
        "equipment(code cluster environment sentence seconds "
        "jobs[](job word code sentence release next) left_out[](job why)) notes[] next[] seconds",
    ),
    (
        "toolkit.cluster-template/1",
        cluster_template.document(TEMPLATE),
        "schema stack region account bytes resources capabilities[] tags(toolkit:cluster) zones[] "
        "network private_domain public_domain names[] pools[] servers[](name zone address host) "
        "subnets[](zone public private) template",
    ),
    (
        "toolkit.cluster-status/1",
        cluster_status.document(CLUSTER_STATUS),
        "schema cluster region account word code sentence "
        "stack(status sentence settled protected updated) "
        "servers[](slot zone address instance state configuration raft) "
        "pools[](name min max desired in_service starting draining unwell earlier nodes) "
        "edge[](instance port state reason) balancer zones[](name visibility id names missing[]) "
        "certificates[](name ends days) alarms[](name state) queue(waiting taken) "
        "raft[] wrong[] unseen[] next[]",
    ),
    (
        "toolkit.cluster-env/1",
        cluster_env.document(
            EnvReport(
                "prod", "prod", "open", "a tunnel to i-1 stands", {"NOMAD_TOKEN": "x"},
                ("NOMAD_CAPATH",), "socks5h://127.0.0.1:1", "i-1", ("HTTPS_PROXY stays",),
            )
        ),
        "schema cluster environment word code sentence variables(NOMAD_TOKEN) unset[] proxy "
        "tunnel notes[]",
    ),
    (
        "toolkit.cluster-down/1",
        cluster_down.document(CLUSTER_DOWN),
        "schema cluster region account word code sentence done[](part text) "
        "left[](kind name why advice) kept[](kind name why advice) key_ends seconds next[]",
    ),
    (
        "toolkit.rehearsal/1",
        cluster_rehearse.document(REHEARSAL),
        "schema cluster environment word code sentence "
        "machines[](name role zone pool address power nomad said) targets[](name address well) "
        "certificates[](name ends days) reasons[] memory seconds notes[] next[]",
    ),
]  # fmt: skip
