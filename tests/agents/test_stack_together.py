"""Two stacks at once, and a stack that is interrupted: nothing half done is unexplained."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.agents.cluster import LocalCluster
from tests.agents.shop import Said
from tests.agents.stacks import Stack, rows, words
from tests.faults.test_faults_interrupt import START

pytestmark = pytest.mark.agents


@pytest.fixture(scope="module")
def shop(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    shop = Stack(cluster, tmp_path_factory.mktemp("shops") / "stack-together")
    yield shop
    shop.close()


def who(shop: Stack, name: str) -> str | None:
    """Whose version of a job is registered."""
    task = shop.job(name)["TaskGroups"][0]["Tasks"][0]
    return (task["Env"] or {}).get("WHO")


@pytest.fixture(scope="module")
def three(shop: Stack) -> tuple[str, str, str]:
    """One that the second waits for, and one beside them; deployed."""
    first, second, beside = shop.names("first", "second", "beside")
    shop.service(first)
    shop.service(second, first)
    shop.service(beside)
    shop.stack(first, second, beside)
    assert shop.all().code == 0
    return first, second, beside


def as_(name: str) -> tuple[str, str]:
    return "--var", f"environment.WHO={name}"


def test_of_two_stacks_one_has_each_job(shop: Stack, three: tuple[str, str, str]) -> None:
    first, second, beside = three
    shop.stack(*three)
    before = {name: len(shop.versions(name)) for name in three}
    others: list[Said] = []
    # The other one comes while the first job of this one rolls, and its third has not begun.
    mine = shop.all(
        "--parallel", "1", *as_("me"),
        on={"submit": lambda: others.append(shop.all(*as_("them")))},
    )  # fmt: skip
    [theirs] = others
    assert words(theirs) == {first: "refused", second: None, beside: "deployed"}, theirs.err
    assert "toolkit unlock" in str(rows(theirs)[first]["error"]["hint"])
    assert theirs.code == 1
    assert words(mine) == {first: "deployed", second: "deployed", beside: "refused"}, mine.err
    assert "since the stack began" in rows(mine)[beside]["sentence"]
    assert mine.code == 1
    assert [who(shop, name) for name in three] == ["me", "me", "them"]
    assert [len(shop.versions(name)) - before[name] for name in three] == [1, 1, 1]


def test_who_waits_for_the_lock_goes_after_and_is_not_taken_back(
    shop: Stack, three: tuple[str, str, str]
) -> None:
    first, second, beside = three
    shop.stack(*three)
    others: list[Said] = []
    mine = shop.all(
        "--atomic", "--parallel", "1", *as_("I"),
        on={"submit": lambda: others.append(shop.all("--wait-lock", "2m", *as_("others")))},
    )  # fmt: skip
    [theirs] = others
    assert theirs.code == 0, theirs.out + theirs.err
    assert set(words(theirs).values()) == {"deployed"}
    # What somebody else made of a job since is theirs.
    found = rows(mine)
    assert (mine.code, mine.report["verdict"]) == (7, "superseded"), mine.out + mine.err
    assert words(mine) == {first: "deployed", second: "refused", beside: None}
    assert found[first]["back"]["verdict"] == "superseded"
    assert [who(shop, name) for name in three] == ["others", "others", "others"]


def test_ctrl_c_says_how_far_it_came_and_the_next_run_goes_on(shop: Stack) -> None:
    first, second, third = shop.names("first", "second", "third")
    shop.service(first)
    shop.service(second, first)
    shop.service(third, second)
    shop.stack(first, second, third)
    process = subprocess.Popen(
        [sys.executable, "-c", START, "deploy", "--all", "--json"],
        cwd=shop.root, env=shop.environ(), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith(second) and " submit " in line:
            process.send_signal(signal.SIGINT)
            break
    out, _ = process.communicate(timeout=60)
    error = json.loads(out)["error"]
    assert process.returncode == 130, out
    assert error["message"] == (
        f"interrupted; {first} done; {second} going on in Nomad without us; {third} not begun"
    )
    assert f"toolkit attach {second}" in error["hint"]
    # The lock is free, so the next run need not wait for its end.
    again = shop.all()
    assert again.code == 0, again.out + again.err
    assert words(again)[first] == "unchanged"
    # Followed to its end, or seen when that had come already.
    assert words(again)[second] in {"deployed", "unchanged"}
    assert words(again)[third] == "deployed"
    assert {name: shop.versions(name) for name in shop.jobs} == {
        first: [0], second: [0], third: [0],
    }  # fmt: skip
