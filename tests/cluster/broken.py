"""Ways to make a template unsafe: which predicate is to see each, what it is, how it is done."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Callable
from typing import Any

Document = dict[str, Any]
Break = Callable[[Document], None]
CANARY = "hunter2-Zm9vYmFy+/=="


def properties(document: Document, name: str) -> Document:
    found: Document = document["Resources"][name]["Properties"]
    return found


def data_of(document: Document, name: str) -> Document:
    found: Document = properties(document, name)["LaunchTemplateData"]
    return found


def put(*path: Any) -> Break:
    """Sets the value at the path below the resources; `...` as value removes what is there."""

    def change(document: Document) -> None:
        *way, last, value = path
        at: Any = document["Resources"]
        for step in way:
            at = at[step]
        if value is ...:
            del at[last]
        else:
            at[last] = value

    return change


def rule(group: str, port: int, **source: Any) -> Break:
    """A way in beside the others."""
    said = {
        "GroupId": {"Ref": group}, "IpProtocol": "tcp", "FromPort": port, "ToPort": port, **source,
    }  # fmt: skip
    return put("Added", {"Type": "AWS::EC2::SecurityGroupIngress", "Properties": said})


def right(role: str, **statement: Any) -> Break:
    """A right beside those of the role."""

    def change(document: Document) -> None:
        own = properties(document, role).setdefault("Policies", [])
        added = {"Effect": "Allow", "Resource": "arn:aws:s3:::x", **statement}
        own.append({"PolicyName": "more", "PolicyDocument": {"Statement": [added]}})

    return change


def parameter(name: str) -> Document:
    return {"Fn::Sub": f"arn:aws:ssm:eu-west-1:${{AWS::AccountId}}:parameter/{name}"}


def decrypts(document: Document) -> Document:
    """The statement with which servers decrypt."""
    [policy] = properties(document, "ServerRole")["Policies"]
    found: list[Document] = policy["PolicyDocument"]["Statement"]
    return next(each for each in found if each["Action"] == "kms:Decrypt")


def unconditioned(key: str) -> Break:
    def change(document: Document) -> None:
        del decrypts(document)["Condition"][key]

    return change


def foreign_context(document: Document) -> None:
    [value] = decrypts(document)["Condition"]["StringLike"].values()
    value["Fn::Sub"] = value["Fn::Sub"].replace("/server/", "/worker/")


def attribute(name: str, key: str, value: str) -> Break:
    def change(document: Document) -> None:
        found = properties(document, "Targets" if name == "Targets" else "Edge")
        table = "TargetGroupAttributes" if name == "Targets" else "LoadBalancerAttributes"
        found[table] = [each for each in found[table] if each["Key"] != key]
        found[table].append({"Key": key, "Value": value})

    return change


def stub(old: str, new: str) -> Break:
    """Changes what servers' user data begins with."""

    def change(document: Document) -> None:
        table = document["Mappings"]["Begin"]["server"]
        assert old in table["Text"]
        table["Text"] = table["Text"].replace(old, new)

    return change


def script(part: str, old: str, new: str) -> Break:
    """Changes a part of the boot scripts; `part` as in the parameters' names."""

    def change(document: Document) -> None:
        found = (each["Properties"] for each in document["Resources"].values())
        several = [each for each in found if f"/boot/{part}/" in str(each.get("Name", ""))]
        several.sort(key=lambda each: str(each["Name"]))
        text = gzip.decompress(base64.b64decode("".join(each["Value"] for each in several)))
        assert old.encode() in text
        text = text.replace(old.encode(), new.encode())
        for each in several:
            each["Value"] = ""
        several[0]["Value"] = base64.b64encode(gzip.compress(text)).decode()

    return change


def top(key: str) -> Break:
    def change(document: Document) -> None:
        document[key] = {}

    return change


def large(document: Document) -> None:
    document["Description"] = "x" * 60_000


def swapped(document: Document) -> None:
    document["Resources"]["Eni1"]["Properties"]["PrivateIpAddress"] = "10.40.32.12"


def hook(key: str, value: Any) -> Break:
    return put("PoolFrontend", "Properties", "LifecycleHookSpecificationList", 0, key, value)


def template(name: str, key: str, value: Any) -> Break:
    return put(name, "Properties", "LaunchTemplateData", key, value)


def typed(name: str, kind: str, **said: Any) -> Break:
    return put(name, {"Type": f"AWS::{kind}", "Properties": said})


WORLD = {"CidrIp": "0.0.0.0/0"}
EVERYBODY = {"Effect": "Allow", "Action": "sts:AssumeRole"}
NIC = ("LtPoolFrontend", "Properties", "LaunchTemplateData", "NetworkInterfaces", 0)
TRUST = ("WorkerRole", "Properties", "AssumeRolePolicyDocument", "Statement", 0)
DISK = ("LtPoolFrontend", "Properties", "LaunchTemplateData", "BlockDeviceMappings", 0, "Ebs")
LISTENER = ("Https", "Properties")
SENDERS = ("NoticesPolicy", "Properties", "PolicyDocument", "Statement", 0)

BROKEN: tuple[tuple[str, str, Break], ...] = (
    ("world", "nodes open to all", rule("SgNode", 9000, **WORLD)),
    ("world", "nodes open to all of IPv6", rule("SgNode", 9000, CidrIpv6="::/0")),
    ("world", "servers open to a range", rule("SgServer", 4646, CidrIp="198.51.100.0/24")),
    ("world", "the balancer open where nothing listens", rule("SgEdge", 8080, **WORLD)),
    ("world", "the bastion open to all", rule("SgBastion", 2222, **WORLD)),
    ("world", "a rule within a group", put("SgNode", "Properties", "SecurityGroupIngress", [
        {"IpProtocol": "tcp", "FromPort": 9, "ToPort": 9, **WORLD}])),
    ("plain_rules", "a rule within a group", put("SgNode", "Properties", "SecurityGroupIngress", [
        {"IpProtocol": "tcp", "FromPort": 9, "ToPort": 9,
         "SourceSecurityGroupId": {"Ref": "SgNode"}}])),
    ("plain_rules", "all protocols", put("SgNodeNodeTcp8301", "Properties", "IpProtocol", "-1")),
    ("plain_rules", "all protocols out", put("SgNode", "Properties", "SecurityGroupEgress", [
        {"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}])),
    ("plain_rules", "all ports", put("SgNodeNodeTcp8301", "Properties", "ToPort", 65_000)),
    ("sources", "the balancer reaches servers",
     rule("SgServer", 4646, SourceSecurityGroupId={"Ref": "SgEdge"})),
    ("sources", "the bastion reaches more than SSH",
     rule("SgServer", 4646, SourceSecurityGroupId={"Ref": "SgBastion"})),
    ("sources", "SSH from nodes", rule("SgNode", 22, SourceSecurityGroupId={"Ref": "SgNode"})),
    ("sources", "a bastion for all", rule("SgBastion", 22, **WORLD)),
    ("metadata", "no token",
     template("LtPoolFrontend", "MetadataOptions", {"HttpPutResponseHopLimit": 1})),
    ("metadata", "two hops", template("ServerLt1", "MetadataOptions", {
        "HttpTokens": "required", "HttpPutResponseHopLimit": 2})),
    ("metadata", "nothing said", template("BastionLt", "MetadataOptions", ...)),
    ("disks", "a plain disk", put(*DISK, "Encrypted", False)),
    ("disks", "nothing said of a disk", put(*DISK, "Encrypted", ...)),
    ("disks", "no mapping", template("ServerLt2", "BlockDeviceMappings", [])),
    ("disks", "a plain volume", put("Data2", "Properties", "Encrypted", ...)),
    ("addresses", "a subnet that gives them",
     put("PrivateSubnetA", "Properties", "MapPublicIpOnLaunch", True)),
    ("addresses", "nothing said by a subnet",
     put("PublicSubnetA", "Properties", "MapPublicIpOnLaunch", ...)),
    ("addresses", "a worker with one", put(*NIC, "AssociatePublicIpAddress", True)),
    ("addresses", "nothing said of workers", put(*NIC, "AssociatePublicIpAddress", ...)),
    ("addresses", "an address of nothing", typed("Stray", "EC2::EIP", Domain="vpc")),
    ("addresses", "an address of a server",
     typed("Stray", "EC2::EIPAssociation", NetworkInterfaceId={"Ref": "Eni1"})),
    ("no_keys", "a key pair", template("BastionLt", "KeyName", "me")),
    ("no_keys", "a launch configuration", typed("Old", "AutoScaling::LaunchConfiguration")),
    ("no_keys", "a machine of its own", typed("Old", "EC2::Instance")),
    ("kept", "data go with the stack", put("Data1", "DeletionPolicy", ...)),
    ("kept", "data are deleted", put("Data1", "DeletionPolicy", "Delete")),
    ("kept", "data go when replaced", put("Data3", "UpdateReplacePolicy", "Delete")),
    ("slots", "two machines in a slot", put("Server1", "Properties", "MaxSize", "2")),
    ("slots", "a group elsewhere",
     put("Server1", "Properties", "AvailabilityZones", ["eu-west-1b"])),
    ("slots", "a volume elsewhere", put("Data1", "Properties", "AvailabilityZone", "eu-west-1b")),
    ("slots", "the stack rolls servers",
     put("Server2", "UpdatePolicy", {"AutoScalingRollingUpdate": {}})),
    ("slots", "subnets beside the interface",
     put("Server3", "Properties", "VPCZoneIdentifier", [{"Ref": "PrivateSubnetC"}])),
    ("slots", "groups beside the interface",
     template("ServerLt1", "SecurityGroupIds", [{"Ref": "SgServer"}])),
    ("slots", "a server without its interface", template("ServerLt1", "NetworkInterfaces", [
        {"DeviceIndex": 0, "AssociatePublicIpAddress": False, "Groups": [{"Ref": "SgServer"}]}])),
    ("hosts", "an address of another subnet", swapped),
    ("hosts", "an address that AWS keeps",
     put("Eni1", "Properties", "PrivateIpAddress", "10.40.0.2")),
    ("hosts", "no address", put("Eni1", "Properties", "PrivateIpAddress", ...)),
    ("hosts", "a name that leads elsewhere",
     put("Hosts", "Properties", "RecordSets", 0, "ResourceRecords", ["10.40.0.99"])),
    ("actions", "everything of a service", right("ServerRole", Action="ec2:*")),
    ("actions", "everything", right("KickRole", Action="*")),
    ("actions", "all but one", right("KickRole", NotAction="iam:CreateUser", Action=[])),
    ("resources", "machines everywhere",
     right("ServerRole", Action="ec2:AttachVolume", Resource="*")),
    ("resources", "parameters everywhere",
     right("WorkerRole", Action=["ssm:GetParameter"], Resource=["*"])),
    ("resources", "metrics everywhere",
     right("ServerRole", Action="cloudwatch:PutMetricData", Resource="*")),
    ("resources", "all but one",
     right("ServerRole", Action="s3:GetObject", NotResource="arn:aws:s3:::x")),
    ("workers", "a worker changes machines",
     right("WorkerRole", Action="ec2:DescribeVolumes", Resource="*")),
    ("workers", "a worker takes on roles", right("WorkerRole", Action="sts:AssumeRole")),
    ("workers", "a worker reads of servers", right(
        "WorkerRole", Action="ssm:GetParameter", Resource=parameter("toolkit/prod/server/*"))),
    ("workers", "servers read the CA's key", right(
        "ServerRole", Action="ssm:GetParameter", Resource=parameter("toolkit/prod/*"))),
    ("decrypts", "of any parameter", unconditioned("StringLike")),
    ("decrypts", "of another role's", foreign_context),
    ("decrypts", "without SSM", unconditioned("StringEquals")),
    ("decrypts", "with any key", unconditioned("ForAnyValue:StringEquals")),
    ("trust", "everybody", put(*TRUST, "Principal", "*")),
    ("trust", "an account", put(*TRUST, "Principal", {"AWS": "arn:aws:iam::123456789012:root"})),
    ("trust", "a service and a role", put(*TRUST, "Principal", {
        "Service": "ec2.amazonaws.com", "AWS": {"Fn::GetAtt": ["ControlRole", "Arn"]}})),
    ("trust", "another role",
     put("KickRole", *TRUST[1:], "Principal", {"AWS": {"Fn::GetAtt": ["WorkerRole", "Arn"]}})),
    ("predicate", "a role without boundary",
     put("HookRole", "Properties", "PermissionsBoundary", ...)),
    ("hooks", "a hook of its own", typed("Late", "AutoScaling::LifecycleHook")),
    ("hooks", "no hook", put("PoolFrontend", "Properties", "LifecycleHookSpecificationList", [])),
    ("hooks", "nobody is told", hook("NotificationTargetARN", ...)),
    ("hooks", "no role to tell with", hook("RoleARN", ...)),
    ("hooks", "too short for the drain", hook("HeartbeatTimeout", 60)),
    ("hooks", "stays for ever", hook("DefaultResult", "ABANDON")),
    ("hooks", "of machines that come",
     hook("LifecycleTransition", "autoscaling:EC2_INSTANCE_LAUNCHING")),
    ("queue", "not encrypted", put("Notices", "Properties", "SqsManagedSseEnabled", False)),
    ("queue", "everybody writes", put(*SENDERS, "Principal", "*")),
    ("queue", "a service writes for whomever", put(*SENDERS, "Condition", ...)),
    ("edge", "an old TLS", put(*LISTENER, "SslPolicy", "ELBSecurityPolicy-2016-08")),
    ("edge", "the usual TLS", put(*LISTENER, "SslPolicy", ...)),
    ("edge", "no certificate", put(*LISTENER, "Certificates", [])),
    ("edge", "another question", put("Targets", "Properties", "HealthCheckPath", "/")),
    ("edge", "no time to answer",
     attribute("Targets", "deregistration_delay.timeout_seconds", "5")),
    ("edge", "noticed late", put("Targets", "Properties", "HealthCheckIntervalSeconds", 30)),
    ("boots", "a stub that does not check", stub("sha256sum -c", "true # ")),
    ("boots", "a stub without the sum", stub("  boot.new\"", "  boot.old\"")),
    ("boots", "a stub that goes on", stub("set -euo pipefail", ":")),
    ("boots", "a stub that is too large", stub("umask 077", "#" + "x" * 17_000)),
    ("boots", "a part that is not there", stub("server/", "servers/")),
    ("boots", "tasks reach the metadata",
     script("base", "rule mangle FORWARD", "# rule mangle FORWARD")),
    ("boots", "tasks of the host reach it",
     script("base", "rule mangle OUTPUT", "# rule mangle OUTPUT")),
    ("boots", "no comparison", script("base", "sha256sum -c", "true")),
    ("boots", "a download without a sum", script("server", "a1" * 32, "''")),
    ("literal", "parameters", top("Parameters")),
    ("literal", "outputs", top("Outputs")),
    ("literal", "another stack",
     put("Vpc", "Properties", "CidrBlock", {"Fn::ImportValue": "range"})),
    ("literal", "too large", large),
    ("attributes", "of the target group", attribute("Targets", "stickyness.enabled", "true")),
    ("attributes", "of the balancer", attribute("Edge", "idle_timeout.seconds", "60")),
    ("predicate", "a secret in a tag", put("Vpc", "Properties", "Tags", 0, "Value", CANARY)),
    ("predicate", "a secret in user data", stub("umask 077", f"export T={CANARY}")),
    ("predicate", "a secret in a boot script", script("base", "umask 077", f"T={CANARY}")),
)  # fmt: skip
