"""`python -m backend`: check the configuration, then serve until a signal."""

from __future__ import annotations

import os
import sys

from backend.environ import SettingsError
from backend.settings import from_environment


def main() -> int:
    """Serve until SIGTERM or SIGINT; returns 1 at once when the configuration is wrong."""
    try:
        settings = from_environment(os.environ)
    except SettingsError as exc:
        sys.stderr.write(f"FATAL {exc}\n")
        return 1
    # Not before: a wrong configuration must end the task without the cost of the server's imports.
    from backend.app import build_app
    from backend.serve import Readiness, serve

    readiness = Readiness(slow_start=settings.slow_start)
    return serve(
        build_app(settings, readiness, os.environ),
        readiness,
        name="backend",
        release=settings.release,
        address=settings.address,
        drain=settings.drain,
    )


if __name__ == "__main__":
    sys.exit(main())
