"""One template, rendered from memory."""

from __future__ import annotations

from typing import Any

from toolkit.render import render
from toolkit.spec.jobspec import JobSpec
from toolkit.spec.rendered import RenderedJob
from toolkit.spec.tree import DictTree

MAIN = "jobs/shop/job.nomad.hcl.j2"


def rendered(
    template: str, files: dict[str, str] | None = None, /, **variables: Any
) -> RenderedJob:
    """`template` as the job `shop`, release 1.0.0; `files` are others of the tree."""
    texts = {MAIN: template, **(files or {})}
    tree = DictTree({path: text.encode() for path, text in texts.items()})
    spec = JobSpec(
        "shop", "service", "jobs/shop/job.toml", MAIN, release="1.0.0", variables=variables
    )
    return render(tree, spec)
