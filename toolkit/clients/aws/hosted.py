"""Route 53's hosted zones: which there are, and all that is in one, of any type and form.

The kick server's own records are written by `toolkit.clients.dns`; this is for finding zones, and
for emptying one that goes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from toolkit.clients.aws.cloud import Answer, Cloud
from toolkit.clients.dns.listing import covered, list_order
from toolkit.clients.dns.route53 import Route53
from toolkit.clients.dns.route53_values import from_name, to_name
from toolkit.spec.aws import HostedZoneView, ZoneRecord
from toolkit.spec.kick import Route53Access

SERVICE = "route53"
BATCH = 400
"""Records of one deletion: 1,000 values is what Route 53 takes."""

_NO_ZONE = re.compile(r"^NoSuchHostedZone|^InvalidInput: .*hosted ?zone", re.IGNORECASE)


class HostedZones:
    """The hosted zones of one account."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def by_domain(self, domain: str) -> tuple[HostedZoneView, ...]:
        """The zones of exactly this name, public and private ones."""
        found: list[HostedZoneView] = []
        start: Answer = {"DNSName": to_name(domain)}
        # AWS's own paginator does not know this list.
        while start:
            answer = self._cloud.call(SERVICE, "list_hosted_zones_by_name", **start)
            listed = [_zone(each) for each in answer.get("HostedZones") or ()]
            found += [zone for zone in listed if zone.name == domain]
            more = answer.get("IsTruncated") and all(zone.name == domain for zone in listed)
            start = (
                {"DNSName": answer["NextDNSName"], "HostedZoneId": answer["NextHostedZoneId"]}
                if more
                else {}
            )
        return tuple(found)

    def by_id(self, zone: str) -> HostedZoneView | None:
        """A zone of this account, with the networks or name servers that it has."""
        answer = self._cloud.ask(SERVICE, "get_hosted_zone", unless=_NO_ZONE, Id=zone)
        if answer is None:
            return None
        return _zone(
            answer["HostedZone"],
            vpcs=tuple(str(each.get("VPCId", "")) for each in answer.get("VPCs") or ()),
            name_servers=tuple((answer.get("DelegationSet") or {}).get("NameServers") or ()),
        )

    def records(self, zone: str) -> tuple[ZoneRecord, ...]:
        """All records of a zone, its own NS and SOA included; none where there is no zone."""
        found: list[ZoneRecord] = []
        for page in self._cloud.whole_pages(
            SERVICE, "list_resource_record_sets", unless=_NO_ZONE, HostedZoneId=zone
        ):
            found += [_record(each) for each in page.get("ResourceRecordSets") or ()]
        return tuple(found)

    def records_at(self, zone: str, names: Sequence[str]) -> tuple[ZoneRecord, ...]:
        """The records of just these names; one call for all of them where the zone is small."""
        found: dict[tuple[str, str, str], ZoneRecord] = {}
        left = sorted(set(names), key=list_order)
        while left:
            answer = self._cloud.ask(
                SERVICE,
                "list_resource_record_sets",
                unless=_NO_ZONE,
                HostedZoneId=zone,
                StartRecordName=to_name(left[0]),
            )
            if answer is None:
                break
            for each in map(_record, answer.get("ResourceRecordSets") or ()):
                if each.name in names:
                    found[each.name, each.type, each.identifier] = each
            if not answer.get("IsTruncated"):
                break
            upto = from_name(str(answer.get("NextRecordName", "")))
            # A name that has more records than a list takes is asked for no second time.
            left = [name for name in left[1:] if not covered(name, left[0], upto)]
        return tuple(found.values())

    def delete_records(self, zone: str, records: Sequence[ZoneRecord]) -> None:
        """Delete records just as they were read.

        Batches are whole or not at all: one record that is no longer so stops its own, with an
        InvalidRequestError, and so does a batch that was done and whose answer was lost. Read
        again, then.
        """
        for start in range(0, len(records), BATCH):
            self._cloud.call(
                SERVICE,
                "change_resource_record_sets",
                about=zone,
                HostedZoneId=zone,
                ChangeBatch={
                    "Changes": [
                        {"Action": "DELETE", "ResourceRecordSet": dict(record.raw)}
                        for record in records[start : start + BATCH]
                    ]
                },
            )


def zones_provider(cloud: Cloud) -> Route53:
    """The provider of zones that the kick server writes with, in the same region."""
    return Route53(Route53Access(region=cloud.region, endpoint=cloud.endpoint))


def _zone(
    each: Answer, vpcs: tuple[str, ...] = (), name_servers: tuple[str, ...] = ()
) -> HostedZoneView:
    return HostedZoneView(
        id=str(each["Id"]).removeprefix("/hostedzone/"),
        name=from_name(str(each["Name"])),
        private=bool((each.get("Config") or {}).get("PrivateZone")),
        records=int(each.get("ResourceRecordSetCount") or 0),
        vpcs=vpcs,
        name_servers=name_servers,
    )


def _record(each: Answer) -> ZoneRecord:
    alias = each.get("AliasTarget")
    values = (
        (from_name(str(alias.get("DNSName", ""))),)
        if alias
        else tuple(str(one["Value"]) for one in each.get("ResourceRecords") or ())
    )
    return ZoneRecord(
        name=from_name(str(each["Name"])),
        type=str(each["Type"]),
        identifier=str(each.get("SetIdentifier") or ""),
        values=values,
        alias=bool(alias),
        raw=each,
    )
