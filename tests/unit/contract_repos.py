"""The keys of the JSON documents of `toolkit repo`, pinned with all others."""

from __future__ import annotations

from typing import Any

from toolkit.spec.deployment import Deployment, LogLine
from toolkit.spec.repo import Build, Repo
from toolkit.spec.repo_builds import RepoBuildReport, RepoCodeReport
from toolkit.spec.repo_reports import (
    RepoCreateReport,
    RepoDeleteReport,
    RepoDeploymentReport,
    RepoListReport,
    RepoRestoreReport,
    RepoRow,
    RepoShowReport,
    RepoUrlReport,
    WorkTree,
)
from toolkit.views.repo import build, change, code, deployment, repos, restore, show, url

ADDRESS = "http://127.0.0.1:8655"
DEPLOYMENT = Deployment(
    id=31,
    repo="shop",
    commit="4be1c02" + "0" * 33,
    before="9" * 40,
    pusher="ann",
    accessor="5f2c9a1e-1111-4222-8333-444455556666",
    kind="rollback",
    of=29,
    hooks="sha256:ab",
    digest="c" * 64,
    state="deployed",
    sentence="deployed backend 1.5.0 in 9.1 s",
    created=1_764_000_000.0,
    changed=1_764_000_009.0,
)
ROW = RepoRow(
    Repo(
        "shop", created=1_763_000_000.0, creator="ann",
        builds={"backend": Build("backend", ("make", "backend"), "out/backend")},
    ),
    f"{ADDRESS}/shop.git",
    rights=("push", "read"),
    last=DEPLOYMENT,
)  # fmt: skip
LIST = RepoListReport("dev", ADDRESS, (ROW,))
SHOW = RepoShowReport("dev", ADDRESS, ROW, (DEPLOYMENT,), "toolkit repo log shop 31")
CREATE = RepoCreateReport(
    "created", "shop is there; a push to main deploys", "dev", ADDRESS, ROW,
    WorkTree("/home/ann/shop", (f"credential.{ADDRESS}.helper",), True), ("a note",),
    f"git remote add hook {ADDRESS}/shop.git",
)  # fmt: skip
DELETE = RepoDeleteReport("deleted", "shop is gone", "dev", ADDRESS, "shop", "shop-1")
LINE = LogLine(1, 1_764_000_001.0, "plan      fits", "plan", "backend", {"schema": "x"})
END = RepoDeploymentReport("log", "dev", ADDRESS, DEPLOYMENT, True, next="toolkit repo log shop 31")

DEPLOYMENT_KEYS = (
    "id repo commit before kind of pusher state sentence created changed resumed_by hooks digest"
)
REPO_KEYS = (
    "name url branch order created creator rights[] "
    f"builds[](service command[] artifact dockerfile) last({DEPLOYMENT_KEYS})"
)

REPOS: list[tuple[str, dict[str, Any], str]] = [
    (
        "toolkit.repo-list/1",
        repos.document(LIST),
        f"schema environment address repos[]({REPO_KEYS})",
    ),
    (
        "toolkit.repo-show/1",
        show.document(SHOW),
        f"schema environment address repo({REPO_KEYS}) deployments[]({DEPLOYMENT_KEYS}) next",
    ),
    ("toolkit.repo-url/1", url.document(RepoUrlReport("shop", ROW.url)), "schema repo url"),
    (
        "toolkit.repo-create/1",
        change.document(CREATE),
        f"schema verdict code sentence environment address repo({REPO_KEYS}) "
        "work_tree(folder keys[] changed) notes[] next",
    ),
    (
        "toolkit.repo-delete/1",
        change.document(DELETE),
        "schema verdict code sentence environment address repo trash",
    ),
    (
        "toolkit.repo-restore/1",
        restore.document(RepoRestoreReport("shop is there", "dev", ADDRESS, ROW)),
        f"schema verdict code sentence environment address repo({REPO_KEYS}) next",
    ),
    (
        "toolkit.repo-log/1",
        deployment.line_document(LINE),
        "schema number at stage job text document(schema)",
    ),
    (
        "toolkit.repo-deployment/1",
        deployment.document(END),
        "schema action verdict code sentence environment address "
        f"deployment({DEPLOYMENT_KEYS}) followed next",
    ),
    (
        "toolkit.repo-build/1",
        build.document(
            RepoBuildReport(
                "set", "backend is built", "dev", ADDRESS, "shop",
                (Build("backend", ("make",), "out/backend"),),
            )
        ),
        "schema verdict code sentence environment address repo "
        "builds[](service command[] artifact dockerfile)",
    ),
    (
        "toolkit.repo-code/1",
        code.document(
            RepoCodeReport(
                "shop", DEPLOYMENT.commit,
                {"code": {"url": ADDRESS}, "build.backend": {"checksum": "sha256:00"}},
            )
        ),
        "schema repo commit values(code(url) build(backend(checksum)))",
    ),
]  # fmt: skip
