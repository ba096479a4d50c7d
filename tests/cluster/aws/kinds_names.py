"""Hosted zones and their records."""

from __future__ import annotations

import uuid
from typing import Any

from tests.cluster.aws.kind import Kind, Made, Place, Properties, Tags, listed, with_own


def _zone(place: Place, properties: Properties, tags: Tags) -> Made:
    names = place.client("route53")
    private = properties.get("VPCs", [])
    config = {"PrivateZone": bool(private), **properties.get("HostedZoneConfig", {})}
    first = {"VPC": private[0]} if private else {}
    made = names.create_hosted_zone(
        Name=properties["Name"], CallerReference=uuid.uuid4().hex, HostedZoneConfig=config, **first
    )["HostedZone"]
    zone = made["Id"].rpartition("/")[2]
    names.change_tags_for_resource(
        ResourceType="hostedzone",
        ResourceId=zone,
        AddTags=listed(with_own(properties, tags, "HostedZoneTags")),
    )
    return Made(zone, {"Id": zone})


def _zone_of(names: Any, properties: Properties) -> str:
    if "HostedZoneId" in properties:
        return str(properties["HostedZoneId"])
    wanted = properties["HostedZoneName"]
    found = [
        each["Id"].rpartition("/")[2]
        for each in names.list_hosted_zones()["HostedZones"]
        if each["Name"] == wanted and not each["Config"]["PrivateZone"]
    ]
    if len(found) != 1:
        raise ValueError(f"No hosted zones named {wanted} found")
    return str(found[0])


def _record(said: Properties) -> Properties:
    own = dict(said)
    if "ResourceRecords" in own:
        own["ResourceRecords"] = [{"Value": each} for each in own["ResourceRecords"]]
        own["TTL"] = int(own["TTL"])
    if "AliasTarget" in own:
        own["AliasTarget"] = {"EvaluateTargetHealth": False, **own["AliasTarget"]}
    return own


def _records(place: Place, properties: Properties, _tags: Tags) -> Made:
    names = place.client("route53")
    zone = _zone_of(names, properties)
    steps = [
        {"Action": "CREATE", "ResourceRecordSet": _record(each)}
        for each in properties["RecordSets"]
    ]
    names.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": steps})
    return Made(place.name(), {"Zone": zone})


def _no_records(place: Place, made: Made, properties: Properties) -> None:
    names = place.client("route53")
    zone = made.attributes["Zone"]
    there = {
        (each["Name"], each["Type"])
        for page in names.get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone)
        for each in page["ResourceRecordSets"]
    }
    steps = [
        {"Action": "DELETE", "ResourceRecordSet": _record(each)}
        for each in properties["RecordSets"]
        if (each["Name"], each["Type"]) in there
    ]
    if steps:
        names.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": steps})


def _new_records(place: Place, made: Made, old: Properties, new: Properties, tags: Tags) -> None:
    _no_records(place, made, old)
    _records(place, new, tags)


NAMES: dict[str, Kind] = {
    "HostedZone": Kind(
        _zone,
        lambda place, made, _: place.client("route53").delete_hosted_zone(Id=made.physical),
        only=frozenset({"Name"}),
    ),
    "RecordSetGroup": Kind(
        _records,
        _no_records,
        _new_records,
        frozenset({"HostedZoneName", "HostedZoneId"}),
        tagged=False,
    ),
}
