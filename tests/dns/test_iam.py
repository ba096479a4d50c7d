"""The role's policy as a document: what is in it, and that it says nothing twice."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.dns.kicks import KICK, config
from toolkit.dns.iam import kick_role_policy
from toolkit.errors import RefusedError

KEY = "route53:ChangeResourceRecordSets"

SMALL = """
cluster = "prod"

[[zone]]
name = "apps.example.com"
provider = "route53"
id = "ZPUBLIC"

[[zone]]
name = "spare.example.com"
provider = "route53"
id = "ZSPARE"

[[zone]]
name = "dev.example.com"
provider = "local"

[targets]
public = ["203.0.113.0/24"]

[[policy.workload]]
job = "shop"
grants = [
  { names = ["shop.apps.example.com", "www.shop.apps.example.com"] },
  { names = ["b.apps.example.com"], types = ["CNAME"] },
]

[[policy.person]]
policies = ["dns"]
grants = [{ names = ["*.shop.apps.example.com", "*.dev.example.com"], types = ["A"] }]
"""


def test_a_small_one_is_just_this() -> None:
    assert kick_role_policy(config(SMALL)) == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "ChangeZPUBLIC",
                "Effect": "Allow",
                "Action": KEY,
                "Resource": "arn:aws:route53:::hostedzone/ZPUBLIC",
                "Condition": {
                    "ForAllValues:StringLike": {
                        f"{KEY}NormalizedRecordNames": [
                            "*.shop.apps.example.com",
                            "_toolkit.b.apps.example.com",
                            "b.apps.example.com",
                            "shop.apps.example.com",
                        ]
                    },
                    "ForAllValues:StringEquals": {
                        f"{KEY}RecordTypes": ["A", "AAAA", "CNAME", "TXT"],
                        f"{KEY}Actions": ["CREATE", "DELETE"],
                    },
                    "Null": {
                        f"{KEY}NormalizedRecordNames": "false",
                        f"{KEY}RecordTypes": "false",
                        f"{KEY}Actions": "false",
                    },
                },
            },
            {
                "Sid": "NeverZPUBLIC",
                "Effect": "Deny",
                "Action": KEY,
                "Resource": "arn:aws:route53:::hostedzone/ZPUBLIC",
                "Condition": {
                    "ForAnyValue:StringLike": {f"{KEY}NormalizedRecordNames": ["\\052.*"]}
                },
            },
            {
                "Sid": "Read",
                "Effect": "Allow",
                "Action": "route53:ListResourceRecordSets",
                "Resource": [
                    "arn:aws:route53:::hostedzone/ZPUBLIC",
                    "arn:aws:route53:::hostedzone/ZSPARE",
                ],
            },
            {
                "Sid": "Progress",
                "Effect": "Allow",
                "Action": "route53:GetChange",
                "Resource": "arn:aws:route53:::change/*",
            },
        ],
    }


def test_it_does_not_depend_on_the_order_of_the_file() -> None:
    zones = KICK.split("[targets]")[0].split("[[zone]]")
    turned = "[[zone]]".join([zones[0], *zones[:0:-1]]) + "[targets]" + KICK.split("[targets]")[1]
    assert turned != KICK
    one, other = (json.dumps(kick_role_policy(config(text))) for text in (KICK, turned))
    assert one == other


def statements(text: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = kick_role_policy(config(text))["Statement"]
    return found


def test_nothing_in_it_is_wider_than_a_zone() -> None:
    for statement in statements(KICK):
        assert "*" not in statement["Action"]
        resources = statement["Resource"]
        for resource in resources if isinstance(resources, list) else [resources]:
            assert "*" not in resource or resource == "arn:aws:route53:::change/*"
        if statement["Action"] == KEY and statement["Effect"] == "Allow":
            assert set(statement["Condition"]["Null"].values()) == {"false"}
            for operator in statement["Condition"]:
                assert operator == "Null" or operator.startswith("ForAllValues:")


def test_local_zones_are_not_of_aws() -> None:
    assert "dev.example.com" not in json.dumps(kick_role_policy(config(SMALL)))
    local = SMALL.replace('"route53"\nid = "ZPUBLIC"', '"local"')
    local = local.replace('"route53"\nid = "ZSPARE"', '"local"')
    with pytest.raises(RefusedError, match="no zone is Route 53's"):
        kick_role_policy(config(local))


def test_an_apex_comes_with_its_owner_record() -> None:
    grants = 'grants = [{ names = ["apps.example.com"], grant = ["apex"] }]'
    small = SMALL.split("[[policy")[0] + f'[[policy.workload]]\njob = "shop"\n{grants}\n'
    condition = statements(small)[0]["Condition"]["ForAllValues:StringLike"]
    assert condition == {
        f"{KEY}NormalizedRecordNames": ["_toolkit.apps.example.com", "apps.example.com"]
    }


def test_one_that_iam_would_not_take_is_refused_with_a_way_out() -> None:
    many = ", ".join(f'"shop-{number}.apps.example.com"' for number in range(200))
    text = SMALL.replace('"b.apps.example.com"', many)
    with pytest.raises(RefusedError, match="IAM takes 10240") as raised:
        kick_role_policy(config(text))
    assert "as *.NAME" in str(raised.value.hint)


def test_sids_are_what_iam_takes() -> None:
    sids = [statement["Sid"] for statement in statements(KICK)]
    assert len(set(sids)) == len(sids)
    assert all(sid.isalnum() for sid in sids)
