"""What a cluster file names of its account: ARNs and tags; and that it holds no credential."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from toolkit.config.kick_zones import Collector
from toolkit.config.lines import KeyPath
from toolkit.errors import Mistake

_ACCOUNT = re.compile(r"[0-9]{12}", re.ASCII)
_ARN = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):(?P<service>[a-z0-9-]+):(?P<region>[a-z0-9-]*)"
    r":(?P<account>[0-9]{12}|aws|):(?P<rest>[A-Za-z0-9+=,.@_/:-]+)",
    re.ASCII,
)
_DATACENTER = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)

TAGS_MOST = 40
"""AWS takes 50 on a thing; the rest is for its own and ours."""
_TAG = re.compile(r"[\w \t.:/=+@-]*")
_RESERVED = ("aws:", "toolkit:")

WHERE_CREDENTIALS_GO = "AWS's own files and variables hold credentials"
_CREDENTIALS = (
    (re.compile(r"(?<![A-Z0-9])(?:AKIA|ASIA|AIDA|AROA)[A-Z0-9]{16}(?![A-Z0-9])"), "an access key"),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY"), "a private key"),
    (
        re.compile(r"(?i)secret_?access_?key[\"']?\s*[=:]\s*[\"']?[A-Za-z0-9/+]{30,}"),
        "a secret access key",
    ),
)


def check_credentials(found: Collector) -> None:
    """A mistake for every credential in the text, comments too, that never shows it."""
    text = found.source.text
    for pattern, what in _CREDENTIALS:
        for match in pattern.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            hint = f"take it out and revoke it: {WHERE_CREDENTIALS_GO}"
            message = f"holds {what}: a cluster file never holds a credential"
            found.mistakes.append(Mistake(found.source.where, None, line, message, hint))


def read_owned(
    region: str, certificate: str | None, good: Mapping[str, Any], found: Collector
) -> dict[str, Any]:
    """Fields of `Cluster`: account, boundary, topic, tags; and the certificate is looked at."""
    account = good.get("account")
    if account is not None and not _ACCOUNT.fullmatch(account):
        found.wrong(("account",), "takes the 12 digits of an account, in quotes")
        account = None
    datacenter = good.get("datacenter", "dc1")
    if not _DATACENTER.fullmatch(datacenter):
        found.wrong(("datacenter",), "takes lower-case letters, digits and -, as names in DNS do")
    boundary = good.get("permission_boundary")
    topic = good.get("alarms", {}).get("topic")
    arns: tuple[tuple[KeyPath, str | None, str, str, str], ...] = (
        (("edge", "certificate"), certificate, "acm", region, "certificate/"),
        (("permission_boundary",), boundary, "iam", "", "policy/"),
        (("alarms", "topic"), topic, "sns", region, ""),
    )
    for path, arn, service, where, begin in arns:
        if arn is not None:
            _check_arn(path, arn, service, where, begin, account, region, found)
    return {
        "account": account,
        "permission_boundary": boundary,
        "alarm_topic": topic,
        "tags": _tags(good.get("tags", {}), found),
    }


def partition(region: str) -> str:
    """The part of AWS that a region is in, as ARNs begin: `aws`, `aws-cn`, `aws-us-gov`."""
    return {"cn": "aws-cn", "us-gov": "aws-us-gov"}.get(
        "us-gov" if region.startswith("us-gov-") else region.partition("-")[0], "aws"
    )


def _check_arn(
    path: KeyPath,
    arn: str,
    service: str,
    where: str,
    begin: str,
    account: str | None,
    region: str,
    found: Collector,
) -> None:
    own = account or "123456789012"
    example = f"such as arn:{partition(region)}:{service}:{where}:{own}:{begin}…"
    match = _ARN.fullmatch(arn)
    if match is None or match["service"] != service or not match["rest"].startswith(begin):
        what = {"acm": "a certificate", "iam": "a policy", "sns": "a topic"}[service]
        found.wrong(path, f"must be the ARN of {what}", example)
        return
    if not region:  # said already
        return
    if match["partition"] != partition(region):
        found.wrong(path, f"is in the partition {match['partition']}, the region is not", example)
    elif match["region"] != where:
        message = f"is in {match['region'] or 'no region'}, the cluster in {region}"
        found.wrong(path, message, example if where else "policies have no region")
    elif match["account"] not in {"aws", account or match["account"]}:
        found.wrong(path, f"is of account {match['account']}, the cluster of {account}")


def _tags(table: Mapping[str, Any], found: Collector) -> Mapping[str, str]:
    if len(table) > TAGS_MOST:
        found.wrong(("tags",), f"are {len(table)}: at most {TAGS_MOST} fit beside ours and AWS's")
    for key, value in table.items():
        path: KeyPath = ("tags", key)
        if not value:
            found.wrong(path, "is empty: a stack takes no tag without a value")
        if len(key) > 128 or len(value) > 256:
            found.wrong(path, "is too long: a key has at most 128 characters, a value 256")
        if not _TAG.fullmatch(key) or not _TAG.fullmatch(value):
            found.wrong(path, "takes letters, digits, spaces and _ . : / = + - @ only")
        lead = next((each for each in _RESERVED if key.lower().startswith(each)), None)
        if lead or key == "Name":
            found.wrong(path, f"is set by {'AWS' if lead == 'aws:' else 'toolkit'} itself")
    return MappingProxyType(dict(table))
