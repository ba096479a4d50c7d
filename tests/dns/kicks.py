"""A kick.toml for the tests of the policy, and callers."""

from __future__ import annotations

import pytest

from toolkit.config.kick import load_kick
from toolkit.errors import ConfigError
from toolkit.spec.identity import Person, Workload
from toolkit.spec.kick import KickConfig
from toolkit.spec.policy import Policy

KICK = """
cluster = "prod"

[[zone]]
name = "example.com"
provider = "route53"
id = "ZPUBLIC"

[[zone]]
name = "apps.example.com"
provider = "route53"
id = "ZAPPS"

[[zone]]
name = "example.co.uk"
provider = "route53"
id = "ZCOUK"

[[zone]]
name = "apps.internal"
visibility = "private"
provider = "route53"
id = "ZPRIVATE"

[[zone]]
name = "example.com"
visibility = "private"
provider = "local"

[targets]
public = ["203.0.113.0/24", "2001:db8::/32"]
private = ["10.1.0.0/16"]
cnames = ["elb.amazonaws.com"]

[edge.public]
alias = { target = "lb-1.eu-central-1.elb.amazonaws.com", zone = "Z215JYRZR1TBD5" }

[edge.private]
addresses = ["192.168.7.7"]

[[policy.workload]]
job = "shop"
grants = [
  { names = ["shop.apps.example.com", "*.shop.apps.example.com"], zones = ["public"], most = 3 },
  { names = ["*.shop.apps.internal"], types = ["SRV", "A"] },
]

[[policy.workload]]
job = "web"
task = "certs"
grants = [{ names = ["*.example.co.uk"], types = ["TXT", "CNAME"] }]

[[policy.workload]]
namespace = "edge"
job = "wild"
grants = [
  { names = ["*.wild.apps.example.com"], zones = ["public"], grant = ["wildcard"] },
]

[[policy.person]]
policies = ["dns"]
roles = ["operators"]
grants = [
  { names = ["*.apps.example.com"], types = ["A", "AAAA", "CNAME", "TXT"], zones = ["public"] },
]

[[policy.person]]
management = true
overrule = true

[[policy.person.grants]]
names = ["example.com", "*.example.com", "*.apps.internal"]
types = ["A", "AAAA", "CNAME", "TXT", "SRV"]
zones = ["public", "private"]
grant = ["apex", "wildcard"]
"""


def config(text: str = KICK) -> KickConfig:
    return load_kick(text)


def policy(text: str = KICK) -> Policy:
    return load_kick(text).policy


def workload(job: str, namespace: str = "default", task: str = "app") -> Workload:
    return Workload(namespace, job, task, "5b2c90aa-0000-0000-0000-000000000000", 2e9)


SHOP = workload("shop")
WEB = workload("web", task="certs")
WILD = workload("wild", "edge")
OPERATOR = Person("a1b2c3d4", "jo", roles=frozenset({"operators"}))
MANAGER = Person("ffffffff", "", management=True)
NOBODY = Person("00000000", "guest", policies=frozenset({"read"}))
EVERYBODY = (SHOP, WEB, WILD, OPERATOR, MANAGER, NOBODY, workload("web"), workload("other"))

LEAST = """\
cluster = "dev"

[[zone]]
name = "example.com"
provider = "local"

[targets]
public = ["203.0.113.0/24"]
"""
LINES = LEAST.count("\n")


def mistakes(text: str) -> list[str]:
    """Each as `line key: message (hint)`."""
    with pytest.raises(ConfigError) as raised:
        load_kick(text)
    for mistake in raised.value.mistakes:
        assert mistake.where == "kick.toml"
        assert str(mistake).isprintable()
        assert len(str(mistake)) < 400
    return [str(each).removeprefix("kick.toml:") for each in raised.value.mistakes]


def mistake(more: str, text: str = LEAST) -> str:
    """The only mistake after adding `more`, its line counted from there."""
    [only] = mistakes(text + more)
    line, rest = only.split(":", 1)
    return f"{int(line) - text.count(chr(10))}:{rest}"
