"""`[dns]` of a job file: what it means, and every mistake in it with its key and line."""

from __future__ import annotations

import pytest

from tests.unit.job_files import PLAIN, load, mistakes
from toolkit.config.dns import LONGEST_NAME, wrong_name
from toolkit.spec.jobspec import Dns

PORT = "[ports.http]\n"
ROUTED = PORT + '[route]\nhost = "web.localhost"\n'


def said(text: str, **how: object) -> list[tuple[str | None, int | None, str]]:
    return [(m.key, m.line, m.message) for m in mistakes(text, **how)]


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("shop", "is no name below a zone"),
        ("shop..example.com", "two dots in a row"),
        (".example.com", "two dots in a row"),
        ("shop example.com", "is no name: letters, digits"),
        ("shop_1.example.com", "is no name: letters, digits"),
        ("a.*.example.com", "only as its first part"),
        ("-a.example.com", "is no name: letters, digits"),
        ("203.0.113.7", "is an address"),
        (f"{'a' * 64}.example.com", "more than 63 characters"),
        (f"{'a.' * 121}com", f"longer than {LONGEST_NAME} characters"),
    ],
)
def test_what_is_no_name(name: str, wrong: str) -> None:
    (found,) = said(PORT + f'[dns]\nhostname = "{name}"\n')
    assert found[:2] == ("dns.hostname", 3)
    assert wrong in found[2]


@pytest.mark.parametrize(
    "name",
    [
        "shop.apps.example.com",
        "Shop.Apps.Example.com.",
        "*.shop.example.com",
        "_http._tcp.shop.example.com",
        "bücher.example.com",
        f"{'a.' * 120}com",
    ],
)
def test_what_is_a_name(name: str) -> None:
    assert wrong_name(name) is None


def test_every_mistake_at_once() -> None:
    text = """\
[dns]
hostname = "shop"
hostnames = ["a.example.com", "A.example.com."]
zone = "world"
target = "edge"
type = "MX"
ttl = "1500ms"
port = "web"
colour = "red"
"""
    found = said(text)
    assert [(key, line) for key, line, _ in found] == [
        ("dns.zone", 4), ("dns.type", 6), ("dns.colour", 9), ("dns.hostname", 2),
        ("dns.hostname", 2), ("dns.target", 5), ("dns.port", 8), ("dns.ttl", 7),
    ]  # fmt: skip
    assert "needs a route" in found[5][2]


def test_a_table_without_a_name_asks_for_nothing() -> None:
    assert said(PORT + "[dns]\n") == [("dns", 2, "has no hostname")]
    assert said(PORT + "[dns]\nhostnames = []\n") == [("dns.hostnames", 3, "must not be empty")]


def test_names_that_consul_would_not_take_as_one_value() -> None:
    names = ", ".join(f'"{"a" * 60}{number}.example.com"' for number in range(8))
    (found,) = said(PORT + f"[dns]\nhostnames = [{names}]\n")
    assert "512 characters" in found[2]


def test_an_address_needs_a_port() -> None:
    (found,) = said('[dns]\nhostname = "a.example.com"\n')
    assert found[0] == "dns"
    assert 'needs port "http"' in found[2]


def test_a_service_record_is_for_instances() -> None:
    (found,) = said(ROUTED + '[dns]\nhostname = "_http._tcp.a.example.com"\ntype = "SRV"\n')
    assert found[0] == "dns.type"
    assert "for instances" in found[2]


@pytest.mark.parametrize("kind", ["batch", "sysbatch"])
def test_work_that_ends_has_no_names(kind: str) -> None:
    (found,) = said(f'kind = "{kind}"\n{PORT}[dns]\nhostname = "a.example.com"\n')
    assert found[0] == "dns"
    assert f"a {kind} job has no names" in found[2]


def test_a_plain_job_says_it_itself() -> None:
    found = mistakes('[dns]\nhostname = "a.example.com"\n', files={"jobs/web/job.nomad.hcl": PLAIN})
    assert [m.key for m in found] == ["dns"]


def test_without_a_table_no_name_follows() -> None:
    assert load(ROUTED).dns is None


def test_with_a_route_names_point_at_its_edge() -> None:
    job = load(ROUTED + '[dns]\nhostname = "Shop.Apps.example.com."\n')
    assert job.dns == Dns(("shop.apps.example.com",), "public", "edge")


def test_without_a_route_names_are_private_and_point_at_the_instances() -> None:
    job = load('[ports.web]\n[check]\nport = "web"\n[dns]\nhostname = "a.example.com"\n')
    assert job.dns == Dns(("a.example.com",), "private", "instances", port="web")


def test_a_name_of_another_script_is_written_as_zones_write_it() -> None:
    dns = load(PORT + '[dns]\nhostname = "Bücher.example.com"\n').dns
    assert dns is not None
    assert dns.hostnames == ("xn--bcher-kva.example.com",)


def test_every_key() -> None:
    text = """
[ports.admin]
[dns]
hostnames = ["a.example.com", "_http._tcp.b.example.com"]
zone = "private"
target = "instances"
type = "SRV"
ttl = "1m"
port = "admin"
"""
    assert load(ROUTED + text).dns == Dns(
        ("a.example.com", "_http._tcp.b.example.com"), "private", "instances", "SRV", 60, "admin"
    )


def test_a_name_is_said_once() -> None:
    names = 'hostnames = ["a.example.com", "A.example.com."]'
    assert said(f"{PORT}[dns]\n{names}\n") == [("dns.hostnames", 3, 'names "A.example.com." twice')]


def test_an_environment_has_a_name_of_its_own() -> None:
    text = (
        ROUTED
        + '[dns]\nhostname = "a.example.com"\n[env.production.dns]\nhostname = "b.example.com"\n'
    )
    dns = load(text).dns
    assert dns is not None
    assert dns.hostnames == ("b.example.com",)
