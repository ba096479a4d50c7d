"""What a cluster is billed by; and that money is only what somebody wrote down, with its date."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from tests.cluster.preflighting import full
from tests.cluster.templates import MATRIX, rendered
from toolkit.cluster.units import (
    bill,
    billed_units,
    elastic_addresses,
    machines,
    nat_gateways,
    used,
)
from toolkit.config.prices import parse_prices, read_prices
from toolkit.errors import ConfigError
from toolkit.spec.cluster import Cluster, Pool
from toolkit.spec.units import HOURS, Unit

CLUSTER = full().cluster


def units(cluster: Cluster) -> dict[str, Unit]:
    """By key."""
    found = billed_units(cluster)
    assert len({unit.key for unit in found}) == len(found)
    return {unit.key: unit for unit in found}


def test_every_machine_is_billed_by_the_hour_from_the_least_to_the_most() -> None:
    found = units(CLUSTER)
    hours = {key: (each.least // HOURS, each.most // HOURS) for key, each in found.items()
             if key.startswith(("instance-", "spot-"))}  # fmt: skip
    assert hours == {
        "instance-hour.m7g.large": (3, 3),
        "instance-hour.t4g.small": (1, 1),
        "instance-hour.t3.small": (2, 3),
        "instance-hour.m7gd.xlarge": (1, 4),
        "spot-hour.m7gd.xlarge": (0, 16),
        "instance-hour.t4g.nano": (1, 1),
    }
    assert found["instance-hour.m7gd.xlarge"].what == "1 to 4 of pool worker"
    assert found["spot-hour.m7gd.xlarge"].what == "0 to 16 of pool worker"
    assert found["instance-hour.m7g.large"].what == "3 servers"


def test_machines_of_one_type_are_one_unit() -> None:
    pools = MappingProxyType({"frontend": Pool("frontend", "t3.small", min=2, max=3)})
    shape = replace(
        CLUSTER, pools=pools, control=replace(CLUSTER.control, type="t3.small"), bastion=None
    )
    unit = units(shape)["instance-hour.t3.small"]
    assert (unit.what, unit.least, unit.most) == (
        "the control machine, 2 to 3 of pool frontend", 3 * HOURS, 4 * HOURS,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("spot", "steady", "saved"),
    [(0, (3, 10), (0, 0)), (1, (3, 10), (0, 0)), (50, (2, 5), (1, 5)), (80, (1, 2), (2, 8)),
     (100, (0, 0), (3, 10))],
)  # fmt: skip
def test_the_share_on_demand_is_rounded_up(
    spot: int, steady: tuple[int, int], saved: tuple[int, int]
) -> None:
    pool = Pool("worker", "c7g.large", min=3, max=10, spot=spot)
    shape = replace(CLUSTER, pools=MappingProxyType({"worker": pool}))
    found = {each.spot: (each.least, each.most) for each in machines(shape)
             if each.what == "pool worker"}  # fmt: skip
    assert found.get(False, (0, 0)) == steady
    assert found.get(True, (0, 0)) == saved


def test_disks_balancer_addresses_and_the_rest() -> None:
    found = units(CLUSTER)
    # Servers 3 x (50 + 20), control 25, in front 40 each, workers 60 each, the bastion 8.
    disks = found["volume-gb-month"]
    assert (disks.least, disks.most) == (210 + 25 + 80 + 60 + 8, 210 + 25 + 120 + 1200 + 8)
    assert found["nat-hour"].least == found["nat-hour"].most == 4 * HOURS
    assert found["alb-hour"].most == HOURS
    addresses = found["address-hour"]
    assert (addresses.least, addresses.most, addresses.more) == (9 * HOURS, 9 * HOURS, True)
    assert addresses.what == "4 of NAT, 4 of the balancer, 1 of the bastion"
    assert [found[key].most for key in ("key-month", "zone-month", "alarm-month")] == [1, 1, 2]


def test_without_nat_there_are_endpoints() -> None:
    found = units(replace(CLUSTER, nat="none", edge=replace(CLUSTER.edge, kind="nlb")))
    assert "nat-hour" not in found
    assert found["endpoint-hour"].most % (4 * HOURS) == 0
    assert found["address-hour"].more is False
    assert "nlb-hour" in found
    assert "gigabytes through NAT" not in used(replace(CLUSTER, nat="none"))


@pytest.mark.parametrize("name", MATRIX)
def test_units_are_what_the_template_makes(name: str) -> None:
    shape = MATRIX[name]
    resources = rendered(shape).resources.values()
    kinds = [each["Type"] for each in resources]
    found = units(shape)
    assert kinds.count("AWS::EC2::NatGateway") == nat_gateways(shape)
    assert kinds.count("AWS::EC2::EIP") == elastic_addresses(shape)
    assert kinds.count("AWS::CloudWatch::Alarm") == found["alarm-month"].most
    assert kinds.count("AWS::Route53::HostedZone") == found["zone-month"].most
    interface = [
        each for each in resources
        if each["Type"] == "AWS::EC2::VPCEndpoint" and
        each["Properties"]["VpcEndpointType"] == "Interface"
    ]  # fmt: skip
    endpoints = sum(len(each["Properties"]["SubnetIds"]) for each in interface)
    assert endpoints * HOURS == (found["endpoint-hour"].most if "endpoint-hour" in found else 0)
    groups = [each["Properties"] for each in resources if each["Type"].endswith("ScalingGroup")]
    most = sum(each.most for each in machines(shape))
    assert sum(int(group["MaxSize"]) for group in groups) == most


PRICES = """\
as_of = 2030-01-31
source = "https://example.com/prices"
currency = "USD"

[eu-west-1]
nat-hour = 0.048
key-month = 1
alarm-month = 0

[eu-west-1.instance-hour]
"m7g.large" = 0.0911

[us-east-1]
alb-hour = 0.02
"""


def test_without_a_price_file_there_is_no_money() -> None:
    found = bill(CLUSTER)
    assert (found.least, found.most, found.as_of, found.unpriced) == (None, None, None, ())
    assert all(charge.price is None for charge in found.charges)


def test_what_has_no_price_has_none_and_is_not_0() -> None:
    found = bill(CLUSTER, parse_prices(PRICES.encode(), "prices.toml"))
    by = {charge.unit.key: charge for charge in found.charges}
    assert by["nat-hour"].most == Decimal("0.048") * 4 * 730
    assert by["alarm-month"].most == 0
    # Of another region, or of nobody.
    assert by["alb-hour"].price is by["alb-hour"].least is by["alb-hour"].most is None
    assert set(by) - set(found.unpriced) == {
        "nat-hour", "key-month", "alarm-month", "instance-hour.m7g.large",
    }  # fmt: skip
    assert found.most == Decimal("140.16") + 1 + Decimal("0.0911") * 2190
    assert (found.as_of, found.source, found.currency) == (
        date(2030, 1, 31), "https://example.com/prices", "USD",
    )  # fmt: skip


def test_a_file_without_any_price_of_the_region_gives_no_sum() -> None:
    prices = parse_prices(PRICES.replace("eu-west-1", "eu-north-1").encode(), "prices.toml")
    found = bill(CLUSTER, prices)
    assert found.least is None
    assert len(found.unpriced) == len(found.charges)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("as_of = 2030-01-31\n", "", "prices.toml: says no as_of"),
        ('source = "https://example.com/prices"\n', "", "prices.toml: says no source"),
        ('currency = "USD"\n', "", "prices.toml: says no currency"),
        ("2030-01-31", '"2030-01-31"', "prices.toml:1: as_of: is not what is meant"),
        ("2030-01-31", "2030-01-31T10:00:00", "prices.toml:1: as_of: is not what is meant"),
        ('"USD"', '"dollars"', "prices.toml:3: currency: is not what is meant"),
        ('"https://example.com/prices"', '" "', "prices.toml:2: source: is not what is meant"),
        ("0.048", "-0.048", "prices.toml:6: eu-west-1.nat-hour: takes the price of one"),
        ("0.048", '"0.048"', "prices.toml:6: eu-west-1.nat-hour: takes the price of one"),
        ("0.048", "true", "prices.toml:6: eu-west-1.nat-hour: takes the price of one"),
        ("0.048", "nan", "prices.toml:6: eu-west-1.nat-hour: takes the price of one"),
        ("0.048", "inf", "prices.toml:6: eu-west-1.nat-hour: takes the price of one"),
        ("[us-east-1]", "[dublin]", "prices.toml:13: dublin: is no region's table"),
        ("[eu-west-1]", "ireland = 1\n[eu-west-1]", "prices.toml:5: ireland: is no region's table"),
        ('"m7g.large" = 0.0911', '"m7g.large" = 0.1\nm7g.large = 0.2',
         'prices.toml:12: eu-west-1.instance-hour.m7g.large: is there twice'),
        ("[eu-west-1]", "[eu-west-1", "prices.toml:5: is not valid TOML"),
    ],
)  # fmt: skip
def test_a_price_file_that_is_wrong(old: str, new: str, said: str) -> None:
    assert old in PRICES
    with pytest.raises(ConfigError) as raised:
        parse_prices(PRICES.replace(old, new, 1).encode(), "prices.toml")
    assert len(raised.value.mistakes) == 1
    assert raised.value.message.startswith(said)


def test_every_mistake_at_once() -> None:
    with pytest.raises(ConfigError) as raised:
        parse_prices(b'[eu-west-1]\nnat-hour = "x"\n[x]\n', "prices.toml")
    assert len(raised.value.mistakes) == 5


def test_a_price_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file or directory"):
        read_prices(tmp_path / "none.toml")
    (tmp_path / "prices.toml").write_text(PRICES)
    known: Any = read_prices(tmp_path / "prices.toml").prices
    assert known["eu-west-1", "instance-hour.m7g.large"] == Decimal("0.0911")
