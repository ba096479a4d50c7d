"""Requests through the edge while a release rolls, and what they are allowed to cost.

    job, edges            -> Asking       doors.py: addresses, host, paths, where the release is
    Asking                -> str | None   firsts.py: does what serves now answer well at all?
    Asking, clock         -> Answered     probe.py: in time, whatever became of those before
    Answered, …           -> Tally        tally.py: counts, seconds, gaps; no clock, no thread
    Figures, ProbeBudget  -> str | None   budget.py: why it is spent; pure

Nothing here decides about the rollout: `toolkit.rollout.machine` is told an Opinion.
"""
