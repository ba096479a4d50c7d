"""`python -m kick`: check the configuration, then serve until a signal."""

from __future__ import annotations

import os

from kick.settings import Settings, from_environment
from toolkit.serving.process import leave, start


def main() -> int:
    """Serve until SIGTERM or SIGINT; returns 1 at once when the configuration is wrong."""
    return start("kick", os.environ, from_environment, _run)


def _run(settings: Settings) -> int:
    # Not before: a wrong configuration must end the task without the cost of the server's imports.
    from kick.run import run

    return run(settings)


if __name__ == "__main__":
    leave(main())
