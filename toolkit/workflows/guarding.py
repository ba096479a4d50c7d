"""What an interruption, or an API that refuses, means once something is registered."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from toolkit.errors import ApiError, ExitCode, InterruptedRolloutError
from toolkit.spec.plan import Submission

T = TypeVar("T")


def guarded(submission: Submission, run: Callable[[], T]) -> T:
    """Run, and on Ctrl-C say what goes on without us.

    What an API refuses from here on is `unknown`: something is registered.
    """
    try:
        return run()
    except ApiError as exc:
        if exc.code is ExitCode.REFUSED:
            exc.code = ExitCode.UNKNOWN
            exc.hint = f"toolkit attach {submission.job_id}"
        raise
    except KeyboardInterrupt as exc:
        raise InterruptedRolloutError(
            f"interrupted; version {submission.version} of {submission.job_id} goes on rolling in "
            "Nomad, where canaries that become healthy wait for promotion",
            hint=f"toolkit attach {submission.job_id}",
        ) from exc
