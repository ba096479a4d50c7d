"""The jobs that come with toolkit, as they are in a project's two kinds of environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from toolkit.config.jobs import load_job
from toolkit.config.project import load_project
from toolkit.config.settings import Flags, read_variables
from toolkit.config.target import resolve_target
from toolkit.config.tree import LayeredTree, builtin_tree
from toolkit.render import render
from toolkit.spec.agents import AgentPorts, AgentState
from toolkit.spec.rendered import RenderedJob
from toolkit.spec.tree import DictTree

JOBS = ("backend", "frontend", "hook", "kick", "traefik")
ENVIRONMENTS = ("dev", "dev-acl", "production", "prod", "prod-rehearsal")
PROJECT = b"""
[environments.dev]
local = true
driver = "raw_exec"
[environments.production]
nomad = "https://nomad.example.com:4646"
consul = "https://consul.example.com:8501"
datacenters = ["dc1"]
driver = "docker"
"""

CLUSTER = b"""
region = "eu-west-1"
[edge]
kind = "nlb"
pool = "web"
traefik_port = 8000
private_port = 8001
ping_port = 8002
[pools.web]
type = "t3.small"
node_class = "small"
node_pool = "entrance"
[pools.worker]
type = "t3.large"
[binaries.nomad]
version = "1.11.3"
[binaries.consul]
version = "1.22.7"
"""
"""A cluster file that makes `prod` and its rehearsal, its edge at places of its own."""

KICK = b"""
cluster = "shop"
[[zone]]
name = "apps.example.com"
visibility = "public"
provider = "route53"
id = "Z0123456789ABCDEFGHIJ"
[[policy.person]]
policies = ["dns-{{ team }}"]
[[policy.person.grants]]
names = ["*.apps.example.com"]
types = ["A", "AAAA"]
zones = ["public"]
most = 100
[targets]
public = ["203.0.113.0/24"]
"""
"""What a project says about the kick server in production; with what Nomad's templates act on."""

HOOK = b"""
cluster = "shop"
url = "https://hook.example.com"
[target]
environment = "production"
[[policy.person]]
policies = ["dev-{{ team }}"]
[[policy.person.grants]]
repos = ["*"]
rights = ["push"]
"""
"""What a project says about the hook server in production."""


def shipped(job: str, environment: str, /, **overrides: object) -> RenderedJob:
    """A built-in job rendered; `dev-acl` is `dev` with access control and other ports.

    `overrides` replace fields of the job's specification.
    """
    return _rendered({}, job, environment, overrides)


def written(job: str, job_toml: str, template: str, environment: str, /) -> RenderedJob:
    """A user's own job rendered, beside the built-in ones."""
    files = {"job.toml": job_toml, "job.nomad.hcl.j2": template}
    own = {f"jobs/{job}/{name}": text.encode() for name, text in files.items()}
    return _rendered(own, job, environment, {})


def clustered(job: str, cluster: str, job_toml: str = "", /) -> RenderedJob:
    """A built-in job as it is in the environment `prod` of another cluster file.

    `job_toml`: at the end of the job's own file.
    """
    files = {"clusters/prod.toml": cluster.encode()}
    if job_toml:
        path = f"jobs/{job}/job.toml"
        files[path] = builtin_tree().read(path) + job_toml.encode()
    return _rendered(files, job, "prod", {})


def _rendered(
    files: Mapping[str, bytes], job: str, environment: str, overrides: Mapping[str, object]
) -> RenderedJob:
    tree = LayeredTree(
        DictTree(
            {
                "toolkit.toml": PROJECT,
                "clusters/prod.toml": CLUSTER,
                **{f"jobs/kick/kick.{name}.toml": KICK for name in ENVIRONMENTS[2:]},
                **{f"jobs/hook/hook.{name}.toml": HOOK for name in ENVIRONMENTS[2:]},
                **files,
            }
        ),
        builtin_tree(),
    )
    project = load_project(tree)
    flags = Flags(environment=environment.removesuffix("-acl"))
    nothing, _ = read_variables({})
    target = resolve_target(project, flags, nothing)
    if target.local:
        acl = environment.endswith("-acl")
        agents = AgentState(AgentPorts.at(10_000 if acl else 0), (), "/opt/traefik", acl=acl)
        consul = replace(target.consul, address=agents.consul_address)
        target = replace(target, agents=agents, consul=consul)
    spec = load_job(project, job, target, flags, python="/opt/python")
    return render(tree, replace(spec, **overrides))  # type: ignore[arg-type]
