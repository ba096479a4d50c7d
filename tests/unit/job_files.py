"""A project in memory whose one job file is the text of a test."""

from __future__ import annotations

from typing import Any

import pytest

from toolkit.config.jobs import load_job
from toolkit.config.project import load_project
from toolkit.config.settings import Flags
from toolkit.errors import ConfigError, Mistake
from toolkit.spec.jobspec import JobSpec
from toolkit.spec.target import Endpoint, Target
from toolkit.spec.tree import DictTree

PROJECT = """\
[environments.dev]
local = true
driver = "raw_exec"
[environments.production]
"""
NOMAD = Endpoint("Nomad", "http://127.0.0.1:4646", "default")
CONSUL = Endpoint("Consul", "http://127.0.0.1:8500", "default")
PRODUCTION = Target("production", NOMAD, CONSUL)
DEV = Target("dev", NOMAD, CONSUL, local=True)
PLAIN = """\
variable "colour" {
  type = string
}
variable "release" { default = "1" }
job "shop" { type = "batch" }
"""


def load(
    text: str = "",
    *,
    project: str = PROJECT,
    target: Target = PRODUCTION,
    files: dict[str, str] | None = None,
    **flags: Any,
) -> JobSpec:
    tree = {"toolkit.toml": project, "jobs/web/job.toml": text, "jobs/db/job.toml": ""}
    tree.update(files if files is not None else {"jobs/web/job.nomad.hcl.j2": ""})
    loaded = load_project(DictTree({path: body.encode() for path, body in tree.items()}))
    return load_job(loaded, "web", target, Flags(**flags), python="/python")


def mistakes(text: str = "", **rest: Any) -> tuple[Mistake, ...]:
    with pytest.raises(ConfigError) as error:
        load(text, **rest)
    return error.value.mistakes
