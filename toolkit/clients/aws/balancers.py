"""Elastic Load Balancing: the balancer in front of Traefik, and the machines behind it."""

from __future__ import annotations

import re

from toolkit.clients.aws.cloud import Cloud
from toolkit.spec.aws import BalancerView, TargetView

SERVICE = "elbv2"

_NO_BALANCER = re.compile(r"^LoadBalancerNotFound")
_NO_TARGETS = re.compile(r"^TargetGroupNotFound")


class Balancers:
    """The balancers of one account in one region; their ARNs are those of the stack's resources."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def find(self, arn: str) -> BalancerView | None:
        """A balancer by its ARN: the physical id of the stack's `Edge`."""
        answer = self._cloud.ask(
            SERVICE, "describe_load_balancers", unless=_NO_BALANCER, LoadBalancerArns=[arn]
        )
        for each in (answer or {}).get("LoadBalancers") or ():
            state = each.get("State") or {}
            return BalancerView(
                arn=str(each["LoadBalancerArn"]),
                name=str(each.get("LoadBalancerName", "")),
                dns=str(each.get("DNSName", "")).rstrip("."),
                kind=str(each.get("Type", "")),
                state=str(state.get("Code", "")),
                reason=str(state.get("Reason") or ""),
            )
        return None

    def target_health(self, target_group: str) -> tuple[TargetView, ...]:
        """The targets of a group by its ARN, the physical id of the stack's `Targets`; sorted."""
        answer = self._cloud.ask(
            SERVICE, "describe_target_health", unless=_NO_TARGETS, TargetGroupArn=target_group
        )
        found = [
            TargetView(
                id=str(each["Target"]["Id"]),
                port=int(each["Target"].get("Port") or 0),
                health=str((each.get("TargetHealth") or {}).get("State", "")),
                reason=str((each.get("TargetHealth") or {}).get("Reason") or ""),
                description=str((each.get("TargetHealth") or {}).get("Description") or ""),
            )
            for each in (answer or {}).get("TargetHealthDescriptions") or ()
        ]
        return tuple(sorted(found, key=lambda target: (target.id, target.port)))
