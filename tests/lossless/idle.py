"""Connections that are idle between requests, and a service that hangs up on them."""

from __future__ import annotations

import time
from pathlib import Path

from bench.load import Load, Target
from tests.lossless import hasty
from tests.lossless.shop_site import Callers, Site

KEEP = 4
"""Seconds that the service keeps an idle connection: one more than the shipped edge does."""
PAUSE = 5.0


def keeping(site: Site) -> str:
    """A service that gives no answer on a connection that was idle for too long."""
    return site.service(
        "keep",
        args=f'["-S", "-E", "{Path(hasty.__file__)}"]',
        DB_URL=f'""\nKEEP = "{KEEP}"',
    )


def pauses(web: str, address: str, bursts: int) -> Callers:
    """Bursts of POSTs, each after a pause in which a connection may be closed."""
    target = Target(f"POST {web}", f"{web}.localhost", method="POST")
    loads = []
    for _ in range(bursts):
        # Six at a time, so that the edge keeps several connections to each instance.
        with Load(address, [target], rate=100, clients=6) as load:
            load.wait_for(80)
        loads.append(load)
        time.sleep(PAUSE)
    return Callers(loads)
