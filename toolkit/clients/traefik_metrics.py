"""Traefik's metrics, in the text format of Prometheus, read into counts of a service; pure."""

from __future__ import annotations

import re
from dataclasses import replace
from math import isfinite

from toolkit.spec.analysis import ServiceCount

REQUESTS = "traefik_service_requests_total"
WITHIN = "traefik_service_request_duration_seconds_bucket"

_LINE = re.compile(r"^([a-zA-Z_:][\w:]*)\{(.*)\}\s+(\S+)(?:\s+-?\d+)?$")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def service_counts(text: str, provider: str) -> dict[str, ServiceCount]:
    """Services of a provider, without its name -> their counts, over all methods and codes.

    ValueError for a text that is no list of metrics.
    """
    found: dict[str, ServiceCount] = {}
    for line in text.splitlines():
        if not line.startswith((REQUESTS, WITHIN)):
            continue
        match = _LINE.match(line)
        if match is None:
            raise ValueError(f"not a metric: {line[:80]}")
        labels: dict[str, str] = dict(_LABEL.findall(match.group(2)))
        service, _, of = labels.get("service", "").partition("@")
        if of != provider:
            continue
        number = int(float(match.group(3)))
        known = found.get(service, ServiceCount())
        if match.group(1) == REQUESTS:
            bad = number if labels.get("code", "").startswith("5") else 0
            known = replace(known, requests=known.requests + number, failed=known.failed + bad)
        elif isfinite(bound := float(labels.get("le", "+Inf"))):
            known = replace(
                known, within={**known.within, bound: known.within.get(bound, 0) + number}
            )
        found[service] = known
    if not found and "# TYPE" not in text and text.strip():
        raise ValueError("no metrics")
    return found
