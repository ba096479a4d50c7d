"""`python -m hook`: check the configuration, then serve until a signal."""

from __future__ import annotations

import os
import resource
import sys

from hook.settings import from_environment
from toolkit.errors import ConfigError


def main() -> int:
    """Serve until SIGTERM or SIGINT; returns 1 at once when the configuration is wrong."""
    if len(sys.argv) > 1:
        sys.stderr.write("FATAL hook takes no arguments: it reads its environment\n")
        return 1
    try:
        settings = from_environment(os.environ)
    except ConfigError as exc:
        for mistake in exc.mistakes:
            sys.stderr.write(f"FATAL {mistake}\n")
        return 1
    # Whoever pushes has a token in this memory: none of it becomes a file, whatever ends it.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Not before: a wrong configuration must end the task without the cost of the server's imports.
    from hook.run import run

    return run(settings)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Everything is closed and everybody answered. Threads that still wait for a Nomad that
    # hangs would hold up the end beyond what Nomad gives a task.
    os._exit(code)
