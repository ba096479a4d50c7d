"""`python -m frontend`: check the configuration, then serve until a signal."""

from __future__ import annotations

import os
import sys

from frontend.environ import SettingsError
from frontend.settings import from_environment


def main() -> int:
    """Serve until SIGTERM or SIGINT; returns 1 at once when the configuration is wrong."""
    try:
        settings = from_environment(os.environ)
    except SettingsError as exc:
        sys.stderr.write(f"FATAL {exc}\n")
        return 1
    # httpx brings its own command line along where Rich is installed: 0.1 s and 6 MB for nothing.
    sys.modules["httpx._main"] = None  # type: ignore[assignment]
    # Not before: a wrong configuration must end the task without the cost of the server's imports.
    from frontend.app import build_app
    from frontend.client import UnusableError, build_client
    from frontend.serve import Readiness, serve

    try:
        client = build_client(settings)
    except UnusableError as exc:
        sys.stderr.write(f"FATAL {exc}\n")
        return 1
    readiness = Readiness(slow_start=settings.slow_start)
    return serve(
        build_app(settings, readiness, client),
        readiness,
        name="frontend",
        release=settings.release,
        address=settings.address,
        drain=settings.drain,
    )


if __name__ == "__main__":
    sys.exit(main())
