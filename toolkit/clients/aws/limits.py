"""What can be known before a cluster is made: what a region offers, and what an account may.

Read only, and no call of AWS's `DryRun`. What may not be read raises a DeniedError, which whoever
asks says as it is: not known.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from toolkit.clients.aws.cloud import Answer, Cloud, tags_of
from toolkit.errors import ServerError
from toolkit.spec.aws import (
    CLUSTER_TAG,
    CertificateView,
    ImageView,
    InstanceTypeView,
    ZoneView,
)

QUEUED = ("pending", "running")

_NO_QUOTA = re.compile(r"^NoSuchResourceException")
_NO_ENTITY = re.compile(r"^NoSuchEntity")
_NO_CERTIFICATE = re.compile(r"^ResourceNotFoundException|^InvalidArnException")
_NO_TYPE = re.compile(r"^InvalidInstanceType")
_NO_IMAGE = re.compile(r"^InvalidAMIID\.(?:NotFound|Unavailable|Malformed)")
_LETTER = re.compile(r"^[a-z]+")


class Limits:
    """One account in one region."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def zones(self) -> tuple[ZoneView, ...]:
        """The region's availability zones, without local and wavelength zones, sorted; one call."""
        answer = self._cloud.call(
            "ec2",
            "describe_availability_zones",
            Filters=[{"Name": "zone-type", "Values": ["availability-zone"]}],
        )
        found = [
            ZoneView(
                name=str(each["ZoneName"]),
                id=str(each.get("ZoneId", "")),
                available=each.get("State") == "available",
            )
            for each in answer.get("AvailabilityZones") or ()
        ]
        return tuple(sorted(found, key=lambda zone: zone.name))

    def offered(self, types: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
        """In which zones each of these machine types is offered, sorted; none: nowhere there."""
        found: dict[str, list[str]] = {each: [] for each in types}
        for offer in self._cloud.pages(
            "ec2",
            "describe_instance_type_offerings",
            "InstanceTypeOfferings",
            LocationType="availability-zone",
            Filters=[{"Name": "instance-type", "Values": sorted(set(types))}],
        ):
            if offer.get("InstanceType") in found:
                found[offer["InstanceType"]].append(str(offer["Location"]))
        return {each: tuple(sorted(zones)) for each, zones in found.items()}

    def types(self, names: Sequence[str]) -> Mapping[str, InstanceTypeView]:
        """What these machine types are; one that AWS does not know is left out."""
        found = {}
        for page in self._cloud.whole_pages(
            "ec2",
            "describe_instance_types",
            unless=_NO_TYPE,
            # A filter, as a list with one unknown name is refused whole.
            Filters=[{"Name": "instance-type", "Values": sorted(set(names))}],
        ):
            for each in page.get("InstanceTypes") or ():
                found[str(each["InstanceType"])] = InstanceTypeView(
                    name=str(each["InstanceType"]),
                    vcpus=int((each.get("VCpuInfo") or {}).get("DefaultVCpus") or 0),
                    architectures=tuple(
                        (each.get("ProcessorInfo") or {}).get("SupportedArchitectures") or ()
                    ),
                    storage=bool(each.get("InstanceStorageSupported")),
                    memory=int((each.get("MemoryInfo") or {}).get("SizeInMiB") or 0),
                )
        return found

    def image_parameters(self, names: Sequence[str]) -> Mapping[str, str]:
        """The image ids that public SSM parameters hold; one that is not there is left out."""
        if not names:
            return {}
        answer = self._cloud.call("ssm", "get_parameters", Names=sorted(set(names)))
        return {
            str(each["Name"]): str(each.get("Value", "")) for each in answer.get("Parameters") or ()
        }

    def images(self, ids: Sequence[str]) -> Mapping[str, ImageView]:
        """Machine images by id; one that is not there, or not for us, is left out.

        One call, and one more for each where any is left out.
        """
        # By id and not by a filter, which would have EC2 look through everybody's.
        wanted = sorted(set(ids))
        answer = (
            self._cloud.ask("ec2", "describe_images", unless=_NO_IMAGE, ImageIds=wanted)
            if wanted
            else {}
        )
        if answer is None:
            # A list with one unknown id is refused whole.
            alone = [self.images([each]) for each in wanted] if len(wanted) > 1 else []
            return {id_: image for one in alone for id_, image in one.items()}
        return {str(each["ImageId"]): _image(each) for each in answer.get("Images") or ()}

    def quota(self, quota: tuple[str, str]) -> float | None:
        """What the account may have, by service and code; None where AWS does not say."""
        service, code = quota
        answer = self._cloud.ask(
            "service-quotas",
            "get_service_quota",
            unless=_NO_QUOTA,
            ServiceCode=service,
            QuotaCode=code,
        )
        value = ((answer or {}).get("Quota") or {}).get("Value")
        return None if value is None else float(value)

    def addresses(self, *, but: str) -> int:
        """Elastic IP addresses of the account, those of this cluster left out."""
        found = self._cloud.call("ec2", "describe_addresses").get("Addresses") or ()
        return _of_others(found, but)

    def vpcs(self, *, but: str) -> int:
        """VPCs of the account, those of this cluster left out."""
        return _of_others(self._cloud.pages("ec2", "describe_vpcs", "Vpcs"), but)

    def interfaces(self) -> int:
        """All network interfaces: who made one is not always said."""
        listed = self._cloud.pages("ec2", "describe_network_interfaces", "NetworkInterfaces")
        return sum(1 for _ in listed)

    def vcpus(self, *, but: str) -> Mapping[tuple[str, bool], int]:
        """Those of machines, by letters of their family and whether they are spot.

        Machines of this cluster are left out. ServerError where AWS does not say it of one.
        """
        found: Counter[tuple[str, bool]] = Counter()
        for group in self._cloud.pages(
            "ec2",
            "describe_instances",
            "Reservations",
            Filters=[{"Name": "instance-state-name", "Values": list(QUEUED)}],
        ):
            for each in group.get("Instances") or ():
                if _is_of(each, but):
                    continue
                cores = each.get("CpuOptions") or {}
                vcpus = int(cores.get("CoreCount") or 0) * int(cores.get("ThreadsPerCore") or 0)
                if not vcpus:
                    raise ServerError(
                        f"AWS does not say how many {each.get('InstanceId')} has", system="AWS"
                    )
                spot = each.get("InstanceLifecycle") == "spot"
                found[family(str(each.get("InstanceType", ""))), spot] += vcpus
        return dict(found)

    def groups(self, names: Sequence[str]) -> Mapping[str, str]:
        """Of these autoscaling groups those there are, each with the cluster that its tag says."""
        return {
            str(each["AutoScalingGroupName"]): tags_of(each.get("Tags")).get(CLUSTER_TAG, "")
            for each in self._cloud.pages(
                "autoscaling",
                "describe_auto_scaling_groups",
                "AutoScalingGroups",
                AutoScalingGroupNames=list(names),
            )
        }

    def policy_exists(self, arn: str) -> bool:
        """A policy of IAM is there."""
        return self._cloud.ask("iam", "get_policy", unless=_NO_ENTITY, PolicyArn=arn) is not None

    def role_exists(self, name: str) -> bool:
        """A role of IAM is there."""
        return self._cloud.ask("iam", "get_role", unless=_NO_ENTITY, RoleName=name) is not None

    def certificate(self, arn: str) -> CertificateView | None:
        """A certificate of ACM in this region."""
        answer = self._cloud.ask(
            "acm", "describe_certificate", unless=_NO_CERTIFICATE, CertificateArn=arn
        )
        if answer is None:
            return None
        found = answer["Certificate"]
        names = {
            str(found.get("DomainName", "")).lower(),
            *(str(each).lower() for each in found.get("SubjectAlternativeNames") or ()),
        }
        return CertificateView(
            arn=str(found.get("CertificateArn", arn)),
            status=str(found.get("Status", "")),
            names=tuple(sorted(names - {""})),
            ends=found.get("NotAfter"),
            algorithm=str(found.get("KeyAlgorithm") or ""),
        )


def family(instance_type: str) -> str:
    """The letters of a machine type that quotas are counted by: `t` of `t3.medium`."""
    found = _LETTER.match(instance_type)
    return found[0] if found else ""


def _is_of(each: Answer, cluster: str) -> bool:
    return tags_of(each.get("Tags")).get(CLUSTER_TAG) == cluster


def _of_others(listed: Iterable[Answer], cluster: str) -> int:
    return sum(1 for each in listed if not _is_of(each, cluster))


def _image(each: Answer) -> ImageView:
    root = str(each.get("RootDeviceName") or "")
    sizes = [
        int((disk.get("Ebs") or {}).get("VolumeSize") or 0)
        for disk in each.get("BlockDeviceMappings") or ()
        if disk.get("DeviceName") == root
    ]
    return ImageView(
        id=str(each["ImageId"]),
        architecture=str(each.get("Architecture", "")),
        state=str(each.get("State", "")),
        name=str(each.get("Name") or ""),
        root_device=root,
        root_size=max(sizes, default=0),
    )
