"""What can be known before a cluster is made: what a region offers, and what an account may.

Read only, and no call of AWS's `DryRun`. What may not be read raises a DeniedError, which whoever
asks says as it is: not known.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from toolkit.clients.aws.cloud import Cloud
from toolkit.spec.aws import CertificateView, ImageView, InstanceTypeView, Used, ZoneView

ADDRESSES = ("ec2", "L-0263D0A3")
"""Quota: Elastic IP addresses."""
VPCS = ("vpc", "L-F678F1CE")
INTERFACES = ("vpc", "L-DF5E4CA3")
"""Quota: network interfaces of a region."""
STANDARD = ("ec2", "L-1216C47A")
"""Quota: vCPUs of machines of the families a, c, d, h, i, m, r, t and z."""
STANDARD_SPOT = ("ec2", "L-34B43A08")
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
        """Machine images by id; one that is not there, or not for us, is left out."""
        found: dict[str, ImageView] = {}
        if not ids:
            return found
        # A filter, as a list with one unknown id is refused whole.
        for page in self._cloud.whole_pages(
            "ec2",
            "describe_images",
            unless=_NO_IMAGE,
            Filters=[{"Name": "image-id", "Values": sorted(set(ids))}],
        ):
            for each in page.get("Images") or ():
                root = str(each.get("RootDeviceName") or "")
                sizes = [
                    int((disk.get("Ebs") or {}).get("VolumeSize") or 0)
                    for disk in each.get("BlockDeviceMappings") or ()
                    if disk.get("DeviceName") == root
                ]
                found[str(each["ImageId"])] = ImageView(
                    id=str(each["ImageId"]),
                    architecture=str(each.get("Architecture", "")),
                    state=str(each.get("State", "")),
                    name=str(each.get("Name") or ""),
                    root_device=root,
                    root_size=max(sizes, default=0),
                )
        return found

    def quota(self, quota: tuple[str, str]) -> float | None:
        """What the account may have, such as of ADDRESSES; None where AWS knows no such quota."""
        service, code = quota
        for name in ("get_service_quota", "get_aws_default_service_quota"):
            answer = self._cloud.ask(
                "service-quotas", name, unless=_NO_QUOTA, ServiceCode=service, QuotaCode=code
            )
            value = ((answer or {}).get("Quota") or {}).get("Value")
            if value is not None:
                return float(value)
        return None

    def used(self) -> Used:
        """What of these quotas is in use, by anybody in the account; four lists."""
        addresses = self._cloud.call("ec2", "describe_addresses").get("Addresses") or ()
        vpcs = sum(1 for _ in self._cloud.pages("ec2", "describe_vpcs", "Vpcs"))
        interfaces = sum(
            1 for _ in self._cloud.pages("ec2", "describe_network_interfaces", "NetworkInterfaces")
        )
        own: Counter[str] = Counter()
        spot: Counter[str] = Counter()
        for group in self._cloud.pages(
            "ec2",
            "describe_instances",
            "Reservations",
            Filters=[{"Name": "instance-state-name", "Values": list(QUEUED)}],
        ):
            for each in group.get("Instances") or ():
                cores = each.get("CpuOptions") or {}
                vcpus = int(cores.get("CoreCount") or 0) * int(cores.get("ThreadsPerCore") or 0)
                kind = spot if each.get("InstanceLifecycle") == "spot" else own
                kind[family(str(each.get("InstanceType", "")))] += vcpus
        return Used(len(addresses), vpcs, interfaces, dict(own), dict(spot))

    def policy_exists(self, arn: str) -> bool:
        """A policy of IAM is there."""
        return self._cloud.ask("iam", "get_policy", unless=_NO_ENTITY, PolicyArn=arn) is not None

    def role_exists(self, name: str) -> bool:
        """A role of IAM is there."""
        return self._cloud.ask("iam", "get_role", unless=_NO_ENTITY, RoleName=name) is not None

    def roles(self, beginning: str) -> tuple[str, ...]:
        """Names of the account's roles that begin so, sorted; one list of all roles."""
        listed = self._cloud.pages("iam", "list_roles", "Roles")
        names = (str(each["RoleName"]) for each in listed)
        return tuple(sorted(name for name in names if name.startswith(beginning)))

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
