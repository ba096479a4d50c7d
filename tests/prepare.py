"""Make what the tests need and what takes minutes, so that no test is charged for it.

`python -m tests.prepare` builds the pinned agents into the user's cache, saying how far it is, and
installs the evaluator of IAM policies there, without which its tests skip; with `--go` it only
says, by its exit code, whether there is a Go that can build them.
"""

from __future__ import annotations

import os
import sys

from tests.iam import evaluator
from toolkit.agents.find import find_traefik, pinned_agents
from toolkit.agents.golang import find_go
from toolkit.errors import ToolkitError
from toolkit.spec.dev import Machine


def main(arguments: list[str]) -> int:
    """0 when everything is there."""
    machine = Machine.of(os.environ)
    try:
        if arguments == ["--go"]:
            find_go(machine)
            return 0
        binaries = [*pinned_agents(machine, say=say).values(), find_traefik(machine, None)]
    except ToolkitError as error:
        if not arguments:
            say(f"error: {error.message}" + (f"\n\nhint: {error.hint}" if error.hint else ""))
        return 1
    say("==> agents: " + ", ".join(f"{each.name} {each.version}" for each in binaries))
    try:
        evaluator.install(machine.cache)
    except (evaluator.MissingError, OSError) as error:
        say(f"==> no evaluator of IAM policies: {error}")
    return 0


def say(text: str) -> None:
    """Progress, at once."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
