"""`toolkit dev watch`: files change, and what runs on the local cluster follows.

::

    inbox.take       blocks until files changed and the change pauses
    plan.planned     which jobs there are, and which folders concern each
    turn.take        one job: look, render, build, deploy or restart; a Turn, whatever went wrong
    tails            what the jobs write, from their first deploy on

One change after another, each to its end: what changes during a rollout is one change more, and its
newest state rolls next.
"""

from toolkit.workflows.dev_watch.loop import watch

__all__ = ["watch"]
