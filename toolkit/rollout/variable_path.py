"""Where our own Nomad variables are; pure."""

from __future__ import annotations

import hashlib
import re

LONGEST_PATH = 128
"""Characters that Nomad takes for a variable's path."""

STACKS = "toolkit/stacks/"
"""Below it the states in which all of a stack was verified, a variable for each set of jobs."""


def path_below(prefix: str, job_id: str) -> str:
    """The path of a job's variable: `prefix`, which ends with `/`, and the job's id behind it."""
    return prefix + leaf(job_id, LONGEST_PATH - len(prefix))


def leaf(job_id: str, longest: int) -> str:
    """A job's id as the last part of a variable's path, in at most `longest` characters.

    Nomad takes any id, but only letters, digits and `-_~/` in a path; two ids never share one.
    """
    written = re.sub(
        r"[^A-Za-z0-9_-]",
        lambda found: "".join(f"~{byte:02x}" for byte in found[0].encode()),
        job_id,
    )
    if len(written) <= longest:
        return written
    digest = hashlib.sha256(job_id.encode()).hexdigest()[:32]
    return f"{written[: longest - 33]}~{digest}"
