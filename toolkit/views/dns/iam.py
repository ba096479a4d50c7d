"""An IAM policy: the document itself, to be handed to AWS."""

from __future__ import annotations

import json
from typing import Any

from toolkit.spec.dns_reports import DnsIamReport


def lines(report: DnsIamReport) -> list[str]:
    """The policy as JSON, and nothing else."""
    return json.dumps(report.policy, indent=2).splitlines()


def document(report: DnsIamReport) -> dict[str, Any]:
    """The policy, and what it follows from."""
    return {
        "schema": "toolkit.dns-iam/1",
        "source": report.source,
        "policy": dict(report.policy),
    }
