"""What a stack may not begin with: everything is said at once, and nothing is changed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.agents.cluster import LocalCluster
from tests.agents.stacks import Stack, rows, words

pytestmark = pytest.mark.agents


@pytest.fixture(scope="module")
def shop(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    shop = Stack(cluster, tmp_path_factory.mktemp("shops") / "stack-refused")
    yield shop
    shop.close()


def test_circles_are_shown_before_anything_is_changed_and_by_validate(shop: Stack) -> None:
    a, b, c = shop.names("a", "b", "c")
    shop.service(a, b)
    shop.service(b, a)
    shop.service(c)
    shop.stack(c, a, b)
    said = shop.all()
    assert said.code == 1
    assert f"the jobs wait for each other: {a} -> {b} -> {a}" in said.error["message"]
    [mistake] = said.error["mistakes"]
    assert (mistake["where"], mistake["key"]) == (f"jobs/{a}/job.toml", "depends")
    assert mistake["line"] is not None
    checked = shop.toolkit("validate", "--json")
    assert checked.code == 1
    assert f"{a} -> {b} -> {a}" in str(checked.report["mistakes"])
    assert shop.versions(c) == []
    for command in ("plan", "rollback", "verify"):
        assert shop.toolkit(command, "--all", "--json").code == 1


def test_every_mistake_of_every_job_is_said_at_once(shop: Stack) -> None:
    a, b, work, lone = shop.names("a", "b", "work", "lone")
    shop.service(lone)
    shop.work(work)
    shop.service(a, f"{work}:verified", lone, "nobody", f"{work}:late")
    shop.service(b, change={"cpu = 20": 'cpu = "many"'})
    shop.stack(b, a, work)
    said = shop.all()
    text = said.error["message"]
    assert said.code == 1
    # What is wrong with a file is said before what it means beside others.
    assert 'there is no job "nobody"' in text
    assert f'"{work}:late": there is no gate "late"' in text
    assert "resources.cpu" in text
    shop.service(a, f"{work}:verified", lone)
    shop.service(b)
    text = shop.all().error["message"]
    assert f'"{work}:verified": {work} ends' in text
    assert f'job "{lone}" is not in the stack' in text
    assert shop.versions(b) == []


def test_what_nomad_or_a_rule_says_no_to_keeps_all_from_beginning(shop: Stack) -> None:
    good, huge, secret, after = shop.names("good", "huge", "secret", "after")
    shop.service(good)
    shop.service(huge, change={"memory = 32": "memory = 900000"})
    shop.service(secret, more='[secrets]\nkeys = ["db_password"]\n')
    shop.service(after, huge)
    shop.stack(good, secret, huge, after)
    said = shop.all()
    assert words(said) == {good: None, secret: "refused", huge: "unplaced", after: None}
    # The first in the order of the stack that is not 0.
    assert (said.code, said.report["verdict"]) == (1, "refused"), said.out
    assert "toolkit secret set" in str(rows(said)[secret]["error"]["hint"])
    assert rows(said)[huge]["plan"]["unplaced"]
    assert said.report["sentence"].startswith("nothing was changed")
    planned = shop.toolkit("plan", "--all", "--json")
    assert (planned.code, words(planned)) == (1, words(said))
    shop.stack(good, huge, after)
    assert shop.all().code == 4
    assert [shop.versions(name) for name in shop.jobs] == [[], [], []]
    text = shop.toolkit("deploy", "--all")
    assert all(len(line) <= 80 for line in text.out.splitlines()), text.out


def test_the_command_line_says_one_job_or_all(shop: Stack) -> None:
    for arguments, said_of_it in (
        ([], "which job?"),
        (["some", "--all"], "say a job or --all"),
        (["--all", "--detach"], "--detach does not go with --all"),
        (["--all", "--release", "2"], "--release does not go with --all"),
        (["some", "--atomic"], "--atomic does not go with one job"),
        (["some", "--parallel", "2"], "--parallel does not go with one job"),
    ):
        said = shop.toolkit("deploy", *arguments, "--json")
        assert said.code == 2, said.out
        assert said_of_it in said.error["message"]
    shop.environment()
    nothing = shop.all()
    assert nothing.code == 1
    assert "names no jobs of a stack" in nothing.error["message"]


def test_a_protected_environment_asks_once_for_all(shop: Stack) -> None:
    a, b = shop.names("a", "b")
    shop.service(a)
    shop.service(b)
    shop.stack(a, b)
    text = (shop.root / "toolkit.toml").read_text()
    (shop.root / "toolkit.toml").write_text(
        text.replace("[environments.dev]\n", "[environments.dev]\nprotected = true\n")
    )
    asked = shop.all()
    assert asked.code == 1
    assert f"deploy the stack ({a}, {b}) in protected environment dev" in asked.error["message"]
    assert shop.versions(a) == []
    yes = shop.all("--yes")
    assert yes.code == 0, yes.out + yes.err
    assert yes.err.count("(--yes)") == 1
    # Nothing to change, nothing to ask.
    assert shop.all().code == 0
