"""What the commands of `toolkit repo` print."""

from __future__ import annotations

from typing import get_args

from toolkit.spec.deployment import Kind, Waiting
from toolkit.spec.repo import Order
from toolkit.spec.repo_builds import BuildWord
from toolkit.spec.repo_reports import RepoAction
from toolkit.spec.report import Verdict
from toolkit.views.schemas.words import (
    Schema,
    code,
    flag,
    many,
    mapping,
    maybe,
    moment,
    one,
    record,
    some,
    text,
    texts,
    whole,
    word,
)

STATES = [*get_args(Waiting), *get_args(Verdict)]
_STATE = word("How it stands; needs-token: `toolkit repo resume` goes on with it", STATES)

BUILD = record(
    "How one service is built from a commit",
    service=some("Its name"),
    command=texts("Words of the command; empty with a Dockerfile"),
    artifact=text("Path of what the command makes"),
    dockerfile=text("Path of the Dockerfile; empty with a command"),
)

DEPLOYMENT = record(
    "The record of one deployment",
    id=whole("Counts from 1 in each repository", 1),
    repo=some("The repository"),
    commit=some("The commit"),
    before=maybe(text("The commit that the branch was at")),
    kind=word("What it came of", Kind),
    of=maybe(whole("Of a redeploy or rollback: the deployment whose commit it takes", 1)),
    pusher=text("Who asked, as the server verified them"),
    state=_STATE,
    sentence=text("The end in one sentence"),
    created=moment("When it was asked for"),
    changed=moment("When its state last changed"),
    resumed_by=text("Whose token it went on with; empty where that was not needed"),
    hooks=text("Version of the repository's hooks; empty: it had none"),
    digest=text("SHA-256 over the rendered jobs, before the branch moved"),
)

REPO = record(
    "A repository of the hook server",
    name=some("Its name"),
    url=some("What git is told; it holds no token"),
    branch=some("The branch that is deployed"),
    order=word("newest: a push that waits gives way to a later one", Order),
    created=moment("When it was made"),
    creator=text("Who made it"),
    rights=texts("What you may: read, push, admin; empty where the server does not say"),
    builds=many("How its services are built", "repo_build"),
    last=maybe(one("repo_deployment")),
)

PARTS: dict[str, Schema] = {
    "repo": REPO,
    "repo_build": BUILD,
    "repo_deployment": DEPLOYMENT,
}

_ADDRESS = text("The hook server's address")
_ENVIRONMENT = some("The environment of toolkit.toml")
_NEXT = maybe(text("The next command to type"))

LIST = record(
    "`toolkit repo list`: the repositories that one may read",
    environment=_ENVIRONMENT,
    address=_ADDRESS,
    repos=many("By name", "repo"),
)

SHOW = record(
    "`toolkit repo show`: a repository and its newest deployments",
    environment=_ENVIRONMENT,
    address=_ADDRESS,
    repo=one("repo"),
    deployments=many("The newest first", "repo_deployment"),
    next=_NEXT,
)

URL = record(
    "`toolkit repo url`: the address that git pushes to",
    repo=some("The repository"),
    url=some("It holds no token"),
)

CREATE = record(
    "`toolkit repo create`: a repository that is there now",
    verdict=word("unchanged: it was so already", ["created", "changed", "unchanged"]),
    code=code(),
    sentence=some("The end in one sentence"),
    environment=_ENVIRONMENT,
    address=_ADDRESS,
    repo=one("repo"),
    work_tree=maybe(
        record(
            "The git work tree that the command was in",
            folder=some("Its top"),
            keys=texts("Keys of its configuration that concern the server"),
            changed=flag("False: they were so already"),
        )
    ),
    notes=texts("What else there is to know"),
    next=_NEXT,
)

DELETE = record(
    "`toolkit repo delete`: a repository that is gone",
    verdict=word("That it is gone", ["deleted"]),
    code=code(),
    sentence=some("The end in one sentence"),
    environment=_ENVIRONMENT,
    address=_ADDRESS,
    repo=some("The repository"),
    trash=text("What the server calls it in its trash"),
)

RESTORE = record(
    "`toolkit repo restore`: a repository that is there again",
    verdict=word("That it is there", ["restored"]),
    code=code(),
    sentence=some("The end in one sentence"),
    environment=_ENVIRONMENT,
    address=_ADDRESS,
    repo=one("repo"),
    next=_NEXT,
)

LOG = record(
    "`toolkit repo log --json`: one line of a deployment's log",
    number=whole("Counts from 1", 1),
    at=moment("When it was said"),
    stage=text("Stage of the rollout"),
    job=text("Whose it is, where several jobs roll"),
    text=text("What was said"),
    document=maybe(mapping("Of the last line: the document of what was done", {})),
)

DEPLOYED = record(
    "`toolkit repo log`, `redeploy`, `rollback` and `resume`: how a deployment stands",
    action=word("What was asked", RepoAction),
    verdict=_STATE,
    code=code(),
    sentence=some("The end in one sentence"),
    environment=_ENVIRONMENT,
    address=_ADDRESS,
    deployment=one("repo_deployment"),
    followed=flag("False: nobody waited for its end"),
    next=_NEXT,
)

BUILT = record(
    "`toolkit repo build`: how services are built when the repository is pushed to",
    verdict=word("builds: they were only looked at", BuildWord),
    code=code(),
    sentence=some("The end in one sentence"),
    environment=_ENVIRONMENT,
    address=_ADDRESS,
    repo=some("The repository"),
    builds=many("By service", "repo_build"),
)

_VALUES = mapping("Values by name", text("A value"))
CODE = record(
    "`toolkit repo code`: what a push of a commit gives its jobs",
    repo=some("The repository"),
    commit=some("The commit"),
    values=record(
        "As templates see them",
        code=_VALUES,
        build=mapping("By service, what was built already", _VALUES),
    ),
)

DOCUMENTS: dict[str, tuple[int, Schema]] = {
    "repo-list": (1, LIST),
    "repo-show": (1, SHOW),
    "repo-url": (1, URL),
    "repo-create": (1, CREATE),
    "repo-delete": (1, DELETE),
    "repo-restore": (1, RESTORE),
    "repo-log": (1, LOG),
    "repo-deployment": (1, DEPLOYED),
    "repo-build": (1, BUILT),
    "repo-code": (1, CODE),
}
