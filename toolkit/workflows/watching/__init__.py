"""`toolkit status --watch`: what is there, said again whenever it changes; never a verdict.

Nomad and Consul are asked with queries that answer on change. Traefik's API has none, so it is
looked at slowly, and slower the longer nothing changes.
"""

from toolkit.workflows.watching.job import watch_job
from toolkit.workflows.watching.jobs import watch_jobs

__all__ = ["watch_job", "watch_jobs"]
