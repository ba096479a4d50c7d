"""`unverified` (exit 6): Nomad says successful, and the chain does not hold.

And `unknown` (exit 5): still undecided at the deadline. Neither is ever called a success.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.agents.cluster import LocalCluster
from tests.agents.shop import Said, Shop

pytestmark = pytest.mark.agents

LIE = "0.0.0-old"


@dataclass(frozen=True)
class Ends:
    shop: Shop
    names: dict[str, str]
    said: dict[str, Said]


@pytest.fixture(scope="module")
def ends(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ends]:
    """Rollouts that end without proof, at the same time; a chain is given its time to hold."""
    shop = Shop(cluster, tmp_path_factory.mktemp("shops") / "unverified")
    words = ("stray", "lies", "mute", "fades", "short", "gate")
    names = {word: shop.name(word) for word in words}
    slow = {'"500ms"': '"5s"'}
    try:
        shop.all_deployed(
            {"name": names[word], **how}
            for word, how in {
                "stray": {}, "fades": {}, "short": {"change": slow}, "gate": {}
            }.items()
        )  # fmt: skip
        shop.write(names["lies"], change={'"fine"': '"lies"'})
        shop.write(names["mute"], change={'"fine"': '"mute"'})
        stranger = {"Name": names["stray"], "ID": "by-hand", "Address": "127.0.0.1", "Port": 9}
        shop.consul("/v1/agent/service/register", stranger)
        flag = shop.root / "fading"

        def fade() -> None:
            """Let the check fail, and Consul know it."""
            flag.touch()
            checks = f"/v1/health/checks/{names['fades']}"
            shop.until(
                "Consul says critical",
                lambda: any(check["Status"] == "critical" for check in shop.consul(checks)),
            )

        def bump(word: str, *more: str, **how: Any) -> Said:
            return shop.deploy(names[word], "--release", "1.1.0", *more, **how)

        said = shop.at_once({
            "stray": lambda: bump("stray"),
            "lies": lambda: shop.deploy(names["lies"]),
            "mute": lambda: shop.deploy(names["mute"]),
            "fades": lambda: bump(
                "fades", "--var", "environment.MODE=fades", "--var", f"environment.FLAG={flag}",
                on={"promoted": fade},
            ),
            "short": lambda: bump("short", "--timeout", "3s"),
            "gate": lambda: bump("gate", "--var", "environment.MODE=lies"),
        })  # fmt: skip
        yield Ends(shop, names, said)
    finally:
        shop.consul("/v1/agent/service/deregister/by-hand", method="PUT")
        shop.close()


def assert_broken(ends: Ends, word: str, name: str) -> str:
    """Exit 6, that link the first broken one, Nomad's deployment successful; its detail."""
    said = ends.said[word]
    report = said.report
    assert (said.code, report["verdict"], report["code"]) == (6, "unverified", 6), said.err
    assert report["serving"] is None
    broken = [link for link in report["verification"]["links"] if link["state"] == "broken"]
    assert broken[0]["name"] == name
    assert f"broken at {name}: {broken[0]['detail']}" in report["sentence"]
    assert report["next"] == f"toolkit explain {ends.names[word]}"
    [deployment] = [
        d for d in ends.shop.deployments(ends.names[word]) if d["ID"] == report["deployment"]
    ]
    assert deployment["Status"] == "successful"
    return str(broken[0]["detail"])


def test_a_foreign_instance_under_the_same_name(ends: Ends) -> None:
    detail = assert_broken(ends, "stray", "consul")
    assert "1 of 1 passing" in detail
    assert "foreign: not registered by Nomad" in detail
    [extra] = ends.said["stray"].report["verification"]["extras"]
    assert (extra["where"], extra["kind"]) == ("consul", "foreign")
    assert "127.0.0.1:9" in extra["what"]
    assert len(ends.shop.consul(f"/v1/catalog/service/{ends.names['stray']}")) == 2


def test_verify_says_the_same_of_what_is_live(ends: Ends) -> None:
    said = ends.shop.toolkit("verify", ends.names["stray"], "--json")
    assert (said.code, said.report["verdict"]) == (6, "unverified")
    assert "foreign" in said.link("consul")["detail"]


def test_an_instance_that_names_another_release(ends: Ends) -> None:
    detail = assert_broken(ends, "lies", "release")
    assert detail.startswith("0 of 1 serve 1.0.0")
    assert LIE in detail
    assert ends.shop.serves(ends.names["lies"]) == [LIE]


def test_an_instance_that_names_no_release(ends: Ends) -> None:
    detail = assert_broken(ends, "mute", "release")
    assert "HTTP 200 without header X-Release" in detail


def test_a_check_that_fails_once_it_is_promoted(ends: Ends) -> None:
    detail = assert_broken(ends, "fades", "consul")
    assert "0 of 1 passing" in detail
    assert "critical" in detail
    assert any("promoted" in line for line in ends.said["fades"].told("gate"))
    assert ends.shop.passing(ends.names["fades"]) == {}


# Unknown.


def assert_unknown(ends: Ends, word: str) -> str:
    said = ends.said[word]
    report = said.report
    assert (said.code, report["verdict"], report["code"]) == (5, "unknown", 5), said.err
    assert report["serving"] is None
    assert report["next"] == f"toolkit attach {ends.names[word]}"
    return str(report["sentence"])


def test_a_deadline_that_comes_before_nomads_word(ends: Ends) -> None:
    sentence = assert_unknown(ends, "short")
    assert "0 of 1 instances were healthy at the deadline" in sentence
    # It goes on without us, and whoever attaches brings it to its end.
    name = ends.names["short"]
    assert ends.shop.serves(name)[0] == "1.0.0"
    said = ends.shop.toolkit("attach", name, "--json")
    assert (said.code, said.report["verdict"]) == (0, "deployed"), said.err
    assert said.report["serving"] == "1.1.0"
    assert ends.shop.serves(name) == ["1.1.0"]
    assert ends.shop.release(name) == "1.1.0"


def test_a_canary_that_names_another_release_is_never_promoted(ends: Ends) -> None:
    said, name = ends.said["gate"], ends.names["gate"]
    assert (said.code, said.report["verdict"]) == (8, "reverted"), said.err
    (cause,) = said.report["causes"]
    assert cause["kind"] == "release"
    assert cause["summary"] == f"a canary answers release {LIE}, and 1.1.0 was asked for"
    assert any(LIE in line for line in said.told("gate"))
    deployment = next(d for d in ends.shop.deployments(name) if d["JobVersion"] == 1)
    assert deployment["Status"] == "failed"
    assert not any(group["Promoted"] for group in deployment["TaskGroups"].values())
    assert ends.shop.serves(name) == ["1.0.0"]


def test_what_was_given_up_while_it_was_healthy_explains_itself(ends: Ends) -> None:
    name = ends.names["gate"]
    said = ends.shop.toolkit("explain", name, "--json")
    assert (said.code, said.report["word"]) == (0, "well"), said.err
    (cause,) = said.report["causes"]
    assert cause["kind"] == "aborted"
    assert "version 1" in cause["summary"]
    assert "while its instances were healthy" in cause["summary"]
    assert cause["evidence"][0].startswith("deployment: Deployment marked as failed")
    assert said.report["next"] == f"toolkit history {name}"
