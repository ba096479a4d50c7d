"""The availability zones that a region offers an account."""

from __future__ import annotations

from contextlib import closing

from toolkit.clients.aws.cloud import Cloud
from toolkit.clients.aws.limits import Limits

ANSWER_SECONDS = 5.0


def offered_zones(
    region: str, *, endpoint: str | None = None, seconds: float = ANSWER_SECONDS
) -> tuple[str, ...]:
    """Names of the zones, sorted, without local and wavelength zones; ApiError when not answered.

    `seconds`: to connect, and to answer; asked once.
    """
    cloud = Cloud(
        region, endpoint=endpoint, connect_seconds=seconds, read_seconds=seconds, attempts=1
    )
    with closing(cloud):
        return tuple(zone.name for zone in Limits(cloud).zones() if zone.available)
