"""`toolkit cluster plan | up`: from a cluster file to a stack in AWS whose cluster answers.

::

    work       cluster file, project, AWS        -> Work          every mistake of the files first
    standing   the stack of that name            -> what to do about it; not ours: refused
    preflight  what AWS says beforehand          -> findings
    changes    change set, explained             -> rows; nothing of it is done yet
    secrets    key, secrets, certificates        -> names         kept before anything reads them
    doing      confirmed, executed               -> from here on CloudFormation goes on without us
    follow     events until it is over           -> Followed      meanwhile the first bootstrap
    filling    servers, nodes, equipment         -> verified, or the cluster is not up

`plan` ends after `changes` and leaves nothing behind. Everything can be done again: what is there
is found and used, a run that was killed is gone on with. The only thing that is never resolved by
doing it again is a request whose answer was lost: that is resolved by reading.
"""

from __future__ import annotations

from toolkit.workflows.cluster.apply.plan import plan
from toolkit.workflows.cluster.apply.up import up
from toolkit.workflows.cluster.apply.work import Tools

__all__ = ["Tools", "plan", "up"]
