"""Why a job has no place, or where it has one.

Nomad's scheduler counts a node at the first demand that it does not meet. Here every node is held
against every demand of every group::

    read_job      the job, parsed or registered -> JobFacts, with what Nomad adds by itself
    gather        nodes, what runs, the scheduler's configuration -> Facts      (the only calls)
    evaluate      facts -> FitReport: cells, room, how many instances have a place       (pure)
    dry_run       Nomad's own answer beside ours: where they differ, ours is not given   (pure)

A module per subject: `interpolate`, `operators`, `versions` (constraints), `implied` (what Nomad
adds), `standing` (state, datacenter, pool), `equipment` (drivers, secrets, devices), `ports`,
`volumes`, `room` and `lifecycle` (resources), `distinct`, `capacity` and `together` (several
instances), `somewhere` and `everywhere` (service and batch, system and sysbatch), `score`,
`advice`. What cannot be told is `unknown`, with the reason, and never counts as a yes.
"""

from toolkit.rollout.fit import attributes
from toolkit.rollout.fit.dry_run import beside, dry_run, steps
from toolkit.rollout.fit.evaluate import evaluate
from toolkit.rollout.fit.facts import Step
from toolkit.rollout.fit.gather import Facts, gather
from toolkit.rollout.fit.read_job import job_facts
from toolkit.spec.fit import DryRun

__all__ = [
    "DryRun",
    "Facts",
    "Step",
    "attributes",
    "beside",
    "dry_run",
    "evaluate",
    "gather",
    "job_facts",
    "steps",
]
