"""A project whose job runs an image, and the tool as a user runs it there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.services.running import PATIENCE

JOB = """\
release = "1.0.0"

[driver]
name = "docker"
"""
DOCKERFILE = "FROM scratch\nARG WHO=nobody\nCOPY words /words\nENV WHO=$WHO\n"


@dataclass(frozen=True, slots=True)
class ImageProject:
    """`service` has the Dockerfile; environments are `open` and, with a registry, `shop`."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)

    def write(self, registry: str, *, job: str = JOB, more: str = "") -> None:
        (self.root / "toolkit.toml").write_text(
            'default_environment = "open"\n[environments.open]\n'
            f'[environments.shop]\nregistry = "{registry}"\n{more}'
        )
        folder = self.root / "jobs" / "words"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "job.toml").write_text(job)
        (folder / "job.nomad.hcl.j2").write_text('[% extends "_lib/service.nomad.hcl.j2" %]\n')
        self.put("Dockerfile", DOCKERFILE)
        self.put("words", "hello\n")

    @property
    def service(self) -> Path:
        return self.root / "services" / "words"

    def put(self, name: str, text: str) -> None:
        self.service.mkdir(parents=True, exist_ok=True)
        (self.service / name).write_text(text)

    def run(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """The tool, to its end."""
        theirs = ("NOMAD_", "CONSUL_", "TOOLKIT_", "DOCKER_CONFIG", "AWS_")
        kept = {key: text for key, text in os.environ.items() if not key.startswith(theirs)}
        return subprocess.run(
            [sys.executable, "-m", "toolkit", *arguments],
            cwd=self.root,
            env={**kept, "HOME": str(self.root), **self.environment, **more},
            capture_output=True,
            text=True,
            timeout=PATIENCE * 3,
        )

    def done(self, *arguments: str, **more: str) -> dict[str, Any]:
        """The document of a command that did well."""
        ended = self.run(*arguments, "--json", **more)
        assert ended.returncode == 0, f"toolkit {' '.join(arguments)}\n{ended.stdout}{ended.stderr}"
        found: dict[str, Any] = json.loads(ended.stdout)
        return found

    def refused(self, *arguments: str, code: int = 1, **more: str) -> dict[str, Any]:
        """The error of a command that did not."""
        ended = self.run(*arguments, "--json", **more)
        assert ended.returncode == code, f"{ended.returncode}\n{ended.stdout}{ended.stderr}"
        assert "Traceback" not in ended.stderr
        found: dict[str, Any] = json.loads(ended.stdout)["error"]
        return found
