"""Who deploys: a person at a machine, or what a CI job says of itself."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping

_CI = (
    ("GITHUB_ACTIONS", "GITHUB_ACTOR", "github", "GITHUB_RUN_ID"),
    ("GITLAB_CI", "GITLAB_USER_LOGIN", "gitlab", "CI_PIPELINE_ID"),
    ("BUILDKITE", "BUILDKITE_BUILD_CREATOR", "buildkite", "BUILDKITE_BUILD_NUMBER"),
    ("CIRCLECI", "CIRCLE_USERNAME", "circleci", "CIRCLE_BUILD_NUM"),
    ("JENKINS_URL", "BUILD_USER_ID", "jenkins", "BUILD_NUMBER"),
    ("BITBUCKET_BUILD_NUMBER", "BITBUCKET_STEP_TRIGGERER_UUID", "bitbucket",
     "BITBUCKET_BUILD_NUMBER"),
    ("FORGEJO_ACTIONS", "FORGEJO_ACTOR", "forgejo", "FORGEJO_RUN_ID"),
)  # fmt: skip
"""What is set in a job of a CI system, who started it, the system's name, and the run."""

LONGEST = 100
"""Characters of an actor's name."""


def actor_of(environ: Mapping[str, str]) -> str:
    """`ann@ws`, or `ann@github run 1234`; `TOOLKIT_ACTOR` wins, and is taken as it is."""
    if given := environ.get("TOOLKIT_ACTOR", "").strip():
        return _clean(given)
    for marker, who, name, run in _CI:
        if environ.get(marker):
            number = environ.get(run, "")
            return _clean(f"{environ.get(who) or 'ci'}@{name}" + (f" run {number}" * bool(number)))
    return _clean(f"{_user(environ)}@{os.uname().nodename}")


def _user(environ: Mapping[str, str]) -> str:
    """The login name: of the environment, else of the process's owner."""
    for key in ("LOGNAME", "USER"):
        if environ.get(key):
            return environ[key]
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # a container's user may have no name
        return "unknown"


def _clean(text: str) -> str:
    """Without what could confuse a terminal, in one line."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:LONGEST]
