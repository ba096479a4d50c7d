"""Reports of `cluster plan` and `cluster up` with their fields filled."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from toolkit.errors import ExitCode
from toolkit.spec.cluster_apply import (
    ChangeRow,
    ClusterPlanReport,
    ClusterUpReport,
    EarlierRow,
    FailureRow,
)
from toolkit.spec.equip import Equipped, EquipReport, LeftOut
from toolkit.spec.preflight import Finding, Preflight
from toolkit.spec.units import Bill, Charge, Unit

ROW = ChangeRow(
    "replace", "Data1", "EC2::Volume", "vol-1", ("Size changes",), "server-1 loses its data volume"
)
FINDING = Finding(
    "stops",
    "zones",
    "there is no such zone",
    "take another",
    "clusters/prod.toml",
    "zones",
    2,
)
EQUIPMENT = EquipReport(
    "prod",
    "prod",
    (Equipped("traefik", "deployed", "it runs", ExitCode.OK, "3.7", "toolkit status traefik"),),
    (LeftOut("kick", "kick.prod.toml does not exist"),),
    "equipped with traefik",
    2.5,
)
CLUSTER_PLAN = ClusterPlanReport(
    "prod", "eu-west-1", "123456789012", "CREATE_COMPLETE", "refused", "1 finding", (ROW,),
    Preflight("123456789012", "eu-west-1", (FINDING,), ("zones",), ("quota",)),
    Bill(
        "eu-west-1",
        (Charge(Unit("nat-hour", "1 NAT gateway", 730, 730), Decimal("0.05")),),
        ("traffic",),
        date(2026, 1, 31),
        "https://example.com",
        "USD",
    ),
    (EarlierRow("i-1", "server-1"),), ("a note",), ("toolkit cluster up prod",),
)  # fmt: skip
CLUSTER_UP = ClusterUpReport(
    "prod", "eu-west-1", "123456789012", "CREATE_FAILED", "failed", "Server1 failed first", (ROW,),
    (FINDING,), (FailureRow("Server1", "AutoScaling::AutoScalingGroup", "CREATE_FAILED", "why"),),
    ("Server2",), ("ca/key",), (EarlierRow("i-1", "server-1"),), EQUIPMENT, ("a note",),
    ("toolkit cluster up prod",), 3.25,
)  # fmt: skip
