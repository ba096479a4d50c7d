"""Deployments of commits: a record on disk first, then a turn, then a verdict.

::

    Deployments.intend   repo, change, who -> intent       before the ref moves, durable
    Deployments.begin    intent            -> Deployment   after it: one rename, then the queue
      choosing           records           -> decisions    pure: what is resumed or gone back to
      performing         Turn              -> Ending       builds, a child that deploys, hooks
        deploying        Errand            -> Message      in the child: `toolkit deploy --all`
    Deployments.follow   repo, id          -> LogLine…     until the verdict, or a token is needed
    Deployments.reconcile                                  at start: what a crash left is repaired

The pusher's token is held in memory while a deployment waits and rolls, and nowhere else. What is
open when the server ends, however that comes, becomes `needs-token`: whoever may deploy resumes it.
"""

from hook.deployments.deployments import Deployments
from hook.deployments.turn import Ending, Turn

__all__ = ["Deployments", "Ending", "Turn"]
