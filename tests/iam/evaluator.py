"""An IAM evaluator without AWS: a Node package, installed once into the user's cache folder."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
_INSTALL = (
    "npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts",
    "--no-update-notifier", "--loglevel=error",
)  # fmt: skip


class MissingError(Exception):
    """The evaluator cannot run on this machine; says what it lacks."""


class Request(NamedTuple):
    """One call to AWS, as IAM sees it."""

    policy: int
    """Index of the policy it is held against."""
    action: str
    resource: str
    context: Mapping[str, Sequence[str]]
    principal: str = "kick"
    """Name of the role that asks."""
    guard: Mapping[str, Any] | None = None
    """The policy that the resource has of its own: a key's, or whom a role trusts."""


def install(cache: Path) -> Path:
    """The folder that holds the pinned evaluator, installed there if it is not; MissingError."""
    manifest = (HERE / "package.json").read_bytes()
    folder = cache / "toolkit" / "tests" / f"iam-{hashlib.sha256(manifest).hexdigest()[:16]}"
    if (folder / "node_modules").is_dir():
        return folder
    if not (shutil.which("npm") and shutil.which("node")):
        raise MissingError("node and npm are not installed")
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Made beside and moved: several test processes may come here at once.
    made = Path(tempfile.mkdtemp(dir=folder.parent))
    try:
        (made / "package.json").write_bytes(manifest)
        ran = subprocess.run(_INSTALL, cwd=made, capture_output=True, text=True, timeout=120)
        if ran.returncode:
            raise MissingError(f"npm could not install the evaluator: {ran.stderr.strip()[-300:]}")
        try:
            made.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
    except subprocess.TimeoutExpired as error:
        raise MissingError("npm did not install the evaluator in 120 s") from error
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return folder


def evaluate(
    folder: Path, policies: Sequence[Mapping[str, Any]], requests: Sequence[Request]
) -> list[bool]:
    """Whether each request is allowed; AssertionError when one is none that AWS has."""
    given = {"policies": policies, "requests": [request._asdict() for request in requests]}
    ran = subprocess.run(
        ["node", str(HERE / "evaluate.mjs"), str(folder)],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=120,
        env={"PATH": os.environ["PATH"]},
    )
    assert ran.returncode == 0, ran.stderr
    verdicts = json.loads(ran.stdout)
    wrong = [verdict for verdict in verdicts if verdict.startswith("error")]
    assert not wrong, wrong[:3]
    return [verdict == "Allowed" for verdict in verdicts]
