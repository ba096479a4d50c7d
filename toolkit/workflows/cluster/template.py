"""`toolkit cluster template`: the CloudFormation template of a cluster file; no network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from toolkit.cluster.network import slots, subnets
from toolkit.cluster.template import render_template
from toolkit.config.kick import load_kick
from toolkit.config.tree import read_or_none
from toolkit.dns.iam import kick_role_policy
from toolkit.spec.cluster_template import ClusterTemplateReport
from toolkit.spec.tree import Tree
from toolkit.workflows.cluster.files import need_project, open_cluster
from toolkit.workflows.kick_job import FOLDER


def template(folder: Path, name: str) -> ClusterTemplateReport:
    """The template of the cluster of that name, in the project around `folder`.

    ConfigError with every mistake of the cluster file and its kick.toml, RefusedError when the
    template is too large.
    """
    cluster = open_cluster(folder, name, complete=True).cluster
    policy = dns_rights(need_project(folder).tree, name)
    return ClusterTemplateReport(
        cluster, render_template(cluster, policy), slots(cluster), subnets(cluster)
    )


def dns_rights(tree: Tree, name: str) -> Mapping[str, Any] | None:
    """The policy of the kick server's role, from the kick.toml of the cluster's environment.

    None without the file, and where none of its zones is in Route 53: then it needs no right.
    """
    path = f"{FOLDER}kick.{name}.toml"
    text = read_or_none(tree, path)
    if text is None:
        return None
    config = load_kick(text, path)
    if not any(zone.provider == "route53" for zone in config.zones):
        return None
    return kick_role_policy(config)
