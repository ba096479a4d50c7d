"""Where a version came from: its tag, and which release was verified last."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.agents.cluster import LocalCluster
from tests.agents.shop import Said, Shop
from tests.faults.proxy import FaultProxy, Rule
from toolkit.rollout.provenance import KEPT, begun, description
from toolkit.rollout.provenance_tags import tidy, write
from toolkit.spec.provenance import Origin

pytestmark = pytest.mark.agents


def git(shop: Shop, *arguments: str) -> str:
    """Git's answer in the project's folder."""
    answer = subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@example.invalid", *arguments],
        cwd=shop.root, env=shop.environ(), capture_output=True, check=True, text=True,
    )  # fmt: skip
    return answer.stdout.strip()


def tags(shop: Shop, name: str) -> dict[int, str | None]:
    """The tag's name of every version, newest first."""
    found = (shop.nomad(f"/v1/job/{name}/versions") or {}).get("Versions") or []
    return {each["Version"]: (each["VersionTag"] or {}).get("Name") for each in found}


def said_of(shop: Shop, name: str, version: int) -> dict[str, Any]:
    """What a version's tag says."""
    found = shop.nomad(f"/v1/job/{name}/versions")["Versions"]
    tag = next(each["VersionTag"] for each in found if each["Version"] == version)
    body = json.loads(tag["Description"])
    assert isinstance(body, dict)
    return body


def last(shop: Shop, name: str) -> dict[str, str] | None:
    """What was verified last."""
    variable = shop.nomad(f"/v1/var/toolkit/last-verified/{name}")
    return None if variable is None else dict(variable["Items"])


@dataclass(frozen=True)
class Ends:
    shop: Shop
    names: dict[str, str]
    said: dict[str, Said]
    head: str


@pytest.fixture(scope="module")
def ends(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ends]:
    """A project in a git repository, and rollouts of every end at the same time."""
    shop = Shop(cluster, tmp_path_factory.mktemp("shops") / "provenance")
    words = ("plain", "bad", "left", "held", "old", "lost", "late", "launched", "scaled")
    names = {word: shop.name(word) for word in words}
    try:
        for word in words:
            shop.write(names[word])
        (shop.root / "jobs" / names["launched"] / "job.nomad.hcl.j2").unlink()
        (shop.root / "jobs" / names["launched"] / "job.toml").unlink()
        shop.plain(
            names["launched"],
            f'job "{names["launched"]}" {{\n  type = "batch"\n  parameterized {{}}\n'
            '  group "g" {\n    task "t" {\n      driver = "raw_exec"\n'
            '      config { command = "/bin/true" }\n    }\n  }\n}\n',
        )
        (shop.root / ".gitignore").write_text(".toolkit\n")
        git(shop, "init", "-q")
        git(shop, "add", ".")
        git(shop, "commit", "-q", "-m", "first")
        head = git(shop, "rev-parse", "HEAD")
        shop.at_once({word: lambda word=word: shop.deploy(names[word]) for word in words})  # type: ignore[misc]
        (shop.root / "new.txt").write_text("not committed")
        with (
            FaultProxy(cluster.nomad_address) as proxy,
            FaultProxy(cluster.nomad_address) as losing,
            FaultProxy(cluster.nomad_address) as electing,
        ):
            electing.add(Rule("status", path="/tag", times=1, text="No cluster leader"))
            losing.add(Rule("pass", path="/tag", times=1), Rule("drop", path="/tag"))
            # What a Nomad older than 1.9 makes of the request.
            proxy.add(Rule("status", path="/tag", status=400, text="Job must be specified"))
            said = shop.at_once({
                "bad": lambda: shop.deploy(
                    names["bad"], "--release", "1.1.0", "--var", "environment.MODE=crash"
                ),
                "left": lambda: shop.deploy(names["left"], "--release", "1.1.0", "--detach"),
                "held": lambda: shop.deploy(names["held"], "--release", "1.1.0", "--no-promote"),
                "old": lambda: shop.deploy(
                    names["old"], "--release", "1.1.0", "--nomad-addr", proxy.address
                ),
                "lost": lambda: shop.deploy(
                    names["lost"], "--release", "1.1.0", "--nomad-addr", losing.address
                ),
                "late": lambda: shop.deploy(
                    names["late"], "--release", "1.1.0", "--nomad-addr", electing.address
                ),
                "scaled": lambda: shop.toolkit("scale", names["scaled"], "2", "--json"),
            })  # fmt: skip
        (shop.root / "new.txt").unlink()
        yield Ends(shop, names, said, head)
    finally:
        shop.close()


def test_a_deploy_says_where_it_came_from(ends: Ends) -> None:
    shop, name = ends.shop, ends.names["plain"]
    assert tags(shop, name) == {0: "1.0.0-v0"}
    found = said_of(shop, name, 0)
    assert (found["commit"], found["dirty"], found["verdict"]) == (ends.head, False, "deployed")
    assert found["actor"].count("@") == 1
    assert len(found["digest"]) == 64
    # Anything else there would be a roll of its own.
    assert shop.job(name)["Meta"] == {"release": "1.0.0"}
    kept = last(shop, name)
    assert kept is not None
    assert (kept["release"], kept["version"], kept["tag"]) == ("1.0.0", "0", "1.0.0-v0")
    assert kept["index"] == str(shop.job(name)["JobModifyIndex"])


def test_the_same_from_another_commit_is_no_change(ends: Ends) -> None:
    shop, name = ends.shop, ends.names["plain"]
    before = [each["ID"] for each in shop.running(name)]
    written = shop.nomad(f"/v1/var/toolkit/last-verified/{name}")["ModifyIndex"]
    git(shop, "commit", "-q", "--allow-empty", "-m", "second")
    said = shop.deploy(name)
    assert (said.code, said.report["verdict"]) == (0, "unchanged"), said.err
    assert said.report["provenance"]["commit"] == ends.head
    # Nomad takes the tag for a change of the job; nothing is to be done for it.
    [group] = said.report["plan"]["groups"]
    assert (group["in_place"], group["replace"], group["ignore"]) == (0, 0, 1)
    assert tags(shop, name) == {0: "1.0.0-v0"}
    assert [each["ID"] for each in shop.running(name)] == before
    assert shop.nomad(f"/v1/var/toolkit/last-verified/{name}")["ModifyIndex"] == written


def test_what_was_taken_back_and_what_came_in_its_place(ends: Ends) -> None:
    shop, name = ends.shop, ends.names["bad"]
    report = ends.said["bad"].report
    assert report["verdict"] == "reverted"
    # Nomad gave version 2 the tag of version 0, of which it is a copy.
    assert tags(shop, name) == {2: "1.0.0-v2", 1: "1.1.0-v1", 0: "1.0.0-v0"}
    failed, back = said_of(shop, name, 1), said_of(shop, name, 2)
    assert (failed["verdict"], failed["dirty"]) == ("reverted", True)
    assert (report["provenance"]["verdict"], report["provenance"]["version"]) == ("reverted", 1)
    assert (back["verdict"], back["of"], back["dirty"]) == ("reverted to", 0, False)
    kept = last(shop, name)
    assert kept is not None
    assert (kept["release"], kept["version"], kept["tag"]) == ("1.0.0", "2", "1.0.0-v2")
    # That Nomad put it back is still seen.
    assert shop.toolkit("plan", name, "--json").report["drift"]["state"] == "reverted"


def test_a_rollout_left_to_itself_has_no_verdict_until_somebody_looks(ends: Ends) -> None:
    shop, name = ends.shop, ends.names["left"]
    assert ends.said["left"].report["provenance"]["tag"] == "1.1.0-v1"
    assert "verdict" not in said_of(shop, name, 1)
    kept = last(shop, name)
    assert kept is not None and kept["version"] == "0"
    said = shop.toolkit("attach", name, "--json")
    assert (said.code, said.report["provenance"]["verdict"]) == (0, "deployed"), said.err
    assert said_of(shop, name, 1)["verdict"] == "deployed"
    kept = last(shop, name)
    assert kept is not None and kept["version"] == "1"


def test_a_person_who_promotes_ends_the_rollout(ends: Ends) -> None:
    shop, name = ends.shop, ends.names["held"]
    assert said_of(shop, name, 1)["verdict"] == "held"
    assert shop.toolkit("promote", name, "--yes").code == 0
    assert said_of(shop, name, 1)["verdict"] == "deployed"
    kept = last(shop, name)
    assert kept is not None and kept["version"] == "1"


def test_an_old_nomad_is_said_once_and_changes_no_verdict(ends: Ends) -> None:
    shop, name, said = ends.shop, ends.names["old"], ends.said["old"]
    assert (said.code, said.report["verdict"]) == (0, "deployed"), said.err
    [note] = [line for line in said.told("note") if "tag" in line]
    assert note.startswith("version 1 is not tagged: ")
    assert note.endswith("Nomad tags versions from 1.9 on")
    assert said.report["provenance"]["tag"] is None
    assert tags(shop, name) == {1: None, 0: "1.0.0-v0"}
    kept = last(shop, name)
    assert kept is not None
    assert kept["version"] == "1"
    assert "tag" not in kept


def test_a_verdict_that_could_not_be_tagged_is_written_down_all_the_same(ends: Ends) -> None:
    shop, name, said = ends.shop, ends.names["lost"], ends.said["lost"]
    assert (said.code, said.report["verdict"]) == (0, "deployed"), said.err
    assert len([line for line in said.told("note") if "not up to date" in line]) == 1
    assert "verdict" not in said_of(shop, name, 1)
    kept = last(shop, name)
    assert kept is not None and kept["version"] == "1"
    assert "no verdict, last verified" in shop.toolkit("history", name).out
    # Nothing to change, and its chain is verified again: now that can be said.
    again = shop.deploy(name, "--release", "1.1.0")
    assert (again.code, again.report["verdict"]) == (0, "unchanged"), again.err
    assert said_of(shop, name, 1)["verdict"] == "deployed"


def test_a_version_that_could_not_be_tagged_at_once_is_tagged_at_the_end(ends: Ends) -> None:
    shop, name, said = ends.shop, ends.names["late"], ends.said["late"]
    assert (said.code, said.report["verdict"]) == (0, "deployed"), said.err
    [note] = [line for line in said.told("note") if "tag" in line]
    assert note.startswith("version 1 is not tagged yet: ")
    assert said.report["provenance"]["tag"] == "1.1.0-v1"
    assert tags(shop, name) == {1: "1.1.0-v1", 0: "1.0.0-v0"}
    assert said_of(shop, name, 1)["verdict"] == "deployed"
    kept = last(shop, name)
    assert kept is not None
    assert (kept["version"], kept["tag"]) == ("1", "1.1.0-v1")


def test_what_is_scaled_keeps_where_it_came_from(ends: Ends) -> None:
    shop, name = ends.shop, ends.names["scaled"]
    assert ends.said["scaled"].code == 0, ends.said["scaled"].err
    assert tags(shop, name) == {1: "1.0.0-v1", 0: "1.0.0-v0"}
    found = said_of(shop, name, 1)
    assert (found["of"], found["commit"], found["verdict"]) == (0, ends.head, "deployed")
    kept = last(shop, name)
    assert kept is not None and kept["version"] == "1"
    # By somebody else: Nomad's copy of the tag is told from ours, and goes with the next deploy.
    body = {"Count": 1, "Target": {"Group": name}}
    shop.nomad(f"/v1/job/{name}/scale", body, "POST")
    assert tags(shop, name)[2] == "1.0.0-v1"
    newest = shop.toolkit("history", name, "--json").report["versions"][0]
    assert (newest["provenance"]["copy_of"], newest["provenance"]["verdict"]) == (1, None)
    shop.until("one runs", lambda: len(shop.running(name)) == 1)
    said = shop.deploy(name, "--release", "1.1.0")
    assert (said.code, said.report["verdict"]) == (0, "deployed"), said.err
    assert tags(shop, name) == {3: "1.1.0-v3", 2: None, 1: "1.0.0-v1", 0: "1.0.0-v0"}


def test_what_launches_others_is_not_tagged(ends: Ends) -> None:
    """Nomad copies a tag into what it launches, and never forgets a job that has one."""
    shop, name = ends.shop, ends.names["launched"]
    assert tags(shop, name) == {0: None}
    child = shop.nomad(f"/v1/job/{name}/dispatch", {}, "POST")["DispatchedJobID"]
    path = f"/v1/job/{child.replace('/', '%2F')}"
    shop.until("it is done", lambda: shop.nomad(path)["Status"] == "dead")
    assert shop.nomad(path)["VersionTag"] is None


def empty(name: str, number: int) -> dict[str, Any]:
    """A job of no instances, another one with each number."""
    task = {"Name": "t", "Driver": "raw_exec", "Config": {"command": "/bin/true"},
            "Env": {"N": str(number)}}  # fmt: skip
    group = {"Name": "g", "Count": 0, "Tasks": [task]}
    return {"ID": name, "Name": name, "Type": "service", "Datacenters": ["*"],
            "TaskGroups": [group]}  # fmt: skip


def test_the_newest_of_our_tags_stay_and_all_of_others(ends: Ends) -> None:
    shop = ends.shop
    name, world = shop.name("many"), shop.session().world
    newest = KEPT + 6
    for number in range(newest + 1):
        shop.nomad("/v1/jobs", {"Job": empty(name, number)})
        if number in {2, 4}:
            text = "by hand" if number == 2 else '{"version":4}'
            tag = {"Version": number, "Description": text}
            shop.nomad(f"/v1/job/{name}/versions/v{number}/tag", tag, "POST")
        else:
            write(world, name, begun(Origin(tool="0.1.0"), None, number, 1.0))
    # Ours are as many as there are versions without the two; 0 and 1 would go, and 1 was verified.
    tidy(world, name, world.nomad.versions(name), {1})
    ours = [n for n in range(newest, -1, -1) if n not in {2, 4}][:KEPT]
    assert {n for n, tag in tags(shop, name).items() if tag} == {*ours, 1, 2, 4}
    calls = world.nomad.counter.calls
    tidy(world, name, world.nomad.versions(name), {1})
    assert world.nomad.counter.calls == calls + 1

    # Stopped: the live version is a copy of the one before, its tag's name included.
    shop.nomad(f"/v1/job/{name}", method="DELETE")
    assert tags(shop, name)[newest + 1] == f"v{newest}"
    found = begun(Origin(tool="0.1.0", actor="ann@ws"), None, newest, 1.0)
    write(world, name, found)
    assert tags(shop, name)[newest] == f"v{newest}"
    assert tags(shop, name)[newest + 1] == f"v{newest + 1}"
    assert said_of(shop, name, newest) == json.loads(description(found))
    assert said_of(shop, name, newest + 1)["of"] == newest

    # With a tag each, more versions are kept than the six that Nomad keeps.
    listed = shop.toolkit("history", name, "--json")
    assert len(listed.report["versions"]) > KEPT
