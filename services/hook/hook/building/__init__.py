"""Builds of a push, between the ref's move and the deployment: what jobs get is made here, once.

::

    Building.build_all   repo, commit, who -> {service: Built}   each service that an admin named
    Building.given       repo, commit, built -> values           for `loading.settings_of(given=…)`
    Building.expected    repo, commit        -> values           the same shape before anything is
                                                                  built, for the check of a push

What is built and how is the server's configuration of the repository; a push says nothing of it.
"""

from hook.building.building import Building

__all__ = ["Building"]
