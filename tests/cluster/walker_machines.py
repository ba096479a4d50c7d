"""Predicates about machines: how they start, what they keep, how they go."""

from __future__ import annotations

import json
import re

from tests.cluster.templates import Rendered
from tests.cluster.walking import (
    Finding,
    groups_of,
    launch_templates,
    name_of,
    pinned,
    tag,
)

USER_DATA = 16_384


METADATA = "169.254.169.254"


def metadata(template: Rendered) -> Finding:
    """4: credentials of machines need a token, which goes no hop further."""
    for name, data in launch_templates(template):
        said = data.get("MetadataOptions", {})
        if said.get("HttpTokens") != "required" or said.get("HttpPutResponseHopLimit") != 1:
            yield f"{name} has metadata options {said}"


def disks(template: Rendered) -> Finding:
    """5: every disk is encrypted."""
    for name, data in launch_templates(template):
        mappings = data.get("BlockDeviceMappings", [])
        if not mappings or any(each["Ebs"].get("Encrypted") is not True for each in mappings):
            yield f"{name} has a disk that is not encrypted"
    for name, volume in template.each("EC2::Volume"):
        if volume.get("Encrypted") is not True:
            yield f"{name} is not encrypted"


def no_keys(template: Rendered) -> Finding:
    """7: no launch configuration, no machine outside a group, no key pair."""
    for kind in ("AutoScaling::LaunchConfiguration", "EC2::Instance", "EC2::KeyPair"):
        for name, _ in template.each(kind):
            yield f"{name} is a {kind}"
    for name, data in launch_templates(template):
        if "KeyName" in data:
            yield f"{name} names a key pair"


def kept(template: Rendered) -> Finding:
    """8: data outlive stack and replacement; what never held any goes with a stack that failed."""
    volumes = dict(template.each("EC2::Volume"))
    if len(volumes) != 3:
        yield f"there are {len(volumes)} data volumes"
    for name in volumes:
        resource = template.resources[name]
        if resource.get("DeletionPolicy") not in {"Retain", "RetainExceptOnCreate"}:
            yield f"{name} goes with the stack"
        if resource.get("UpdateReplacePolicy") != "Retain":
            yield f"{name} goes when it is replaced"


def slots(template: Rendered) -> Finding:
    """9: a server's group has one machine, where interface and volume are, and no update policy."""
    volumes = {tag(each, "toolkit:slot"): each for _, each in template.each("EC2::Volume")}
    count = 0
    for template_name, data in launch_templates(template):
        if not (interface := pinned(data)):
            continue
        count += 1
        if "SecurityGroupIds" in data:
            yield f"{template_name} names groups beside its interface"
        for name, group in groups_of(template, template_name):
            resource = template.resources[name]
            zone = _zone_of(template, interface)
            if str(group["MaxSize"]) != "1":
                yield f"{name} takes {group['MaxSize']} machines"
            if group.get("AvailabilityZones") != [zone]:
                yield f"{name} is in {group.get('AvailabilityZones')}, its interface in {zone}"
            volume = volumes.get(tag(group, "toolkit:slot"), {})
            if volume.get("AvailabilityZone") != zone:
                yield f"{name} has its volume in {volume.get('AvailabilityZone')}"
            if "UpdatePolicy" in resource:
                yield f"{name} lets the stack replace its machine"
            if "VPCZoneIdentifier" in group:
                yield f"{name} names subnets beside its interface"
    if count != 3:
        yield f"there are {count} server slots"


def _zone_of(template: Rendered, interface: str) -> str | None:
    """Where an interface is; None where there is no such."""
    for name, each in template.each("EC2::NetworkInterface"):
        if name == interface:
            subnet = template.resources[name_of(each["SubnetId"])]
            return str(subnet["Properties"]["AvailabilityZone"])
    return None


def hooks(template: Rendered) -> Finding:
    """17: every pool's machines are announced before they go, for long enough to drain."""
    for name, _ in template.each("AutoScaling::LifecycleHook"):
        yield f"{name} is a resource of its own"
    count = 0
    for template_name, data in launch_templates(template):
        if pinned(data) or "IamInstanceProfile" not in data:
            continue
        for name, group in groups_of(template, template_name):
            count += 1
            inline = group.get("LifecycleHookSpecificationList", [])
            if len(inline) != 1:
                yield f"{name} has {len(inline)} hooks"
                continue
            [hook] = inline
            drain = json.loads(hook.get("NotificationMetadata", "{}")).get("drain", 1e9)
            if not hook.get("LifecycleTransition", "").endswith("TERMINATING"):
                yield f"{name} announces {hook.get('LifecycleTransition')}"
            if not name_of(hook.get("RoleARN")) or not name_of(hook.get("NotificationTargetARN")):
                yield f"{name} tells nobody"
            if hook.get("HeartbeatTimeout", 0) < drain:
                yield f"{name} drains for {drain} s and waits {hook.get('HeartbeatTimeout')} s"
            if hook.get("DefaultResult") != "CONTINUE":
                yield f"{name} stays when nobody answers"
    if count < 2:
        yield f"there are {count} pools"


def boots(template: Rendered) -> Finding:
    """20: a machine runs what it checked, keeps tasks from its credentials, and starts small."""
    count = 0
    for name, data in launch_templates(template):
        if "IamInstanceProfile" not in data:
            continue
        count += 1
        stub = template.user_data(name)
        if len(stub.encode()) >= USER_DATA:
            yield f"{name} begins with {len(stub.encode())} bytes"
        checked = re.search(r"^sha256sum -c .*<<<\"[0-9a-f]{64}  boot\.new\"$", stub, re.MULTILINE)
        runs = stub.find("exec /bin/bash")
        if not checked or not 0 < checked.start() < runs or "set -e" not in stub[: checked.start()]:
            yield f"{name} runs what it did not check"
        try:
            script = template.script(stub).decode()
        except LookupError as error:
            yield f"{name} fetches what is not there: {error}"
            continue
        yield from (f"{name} {why}" for why in _script(script))
    if count < 5:
        yield f"there are {count} launch templates with a stub"


def _script(script: str) -> Finding:
    for chain in ("FORWARD", "OUTPUT"):
        dropped = rf"^\s*rule \w+ {chain} -d {re.escape(METADATA)}/32 .*-j DROP$"
        if not re.search(dropped, script, re.MULTILINE):
            yield f"lets tasks reach the metadata in {chain}"
    install = re.search(r"^install\(\) \{\n(.*?)^\}$", script, re.MULTILINE | re.DOTALL)
    body = install[1] if install else ""
    fetched, compared = body.find("curl "), body.find("sha256sum -c")
    used = min((at for word in ("unzip -q", "tar -x", 'mv "$new/file"', "ln -s")
                if (at := body.find(word)) >= 0), default=-1)  # fmt: skip
    if not 0 <= fetched < compared < used:
        yield "uses a download before it is compared"
    called = re.findall(r"^install (\w+) (\S+) (\S+) (\w+)$", script, re.MULTILINE)
    if not called or any(not re.fullmatch(r"[0-9a-f]{64}", sum_) for _, _, sum_, _ in called):
        yield "downloads something whose sum nobody said"
    if not re.search(r"^set -E?e?", script, re.MULTILINE) or "pipefail" not in script:
        yield "goes on after what failed"
