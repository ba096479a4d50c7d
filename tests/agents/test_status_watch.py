"""`toolkit status --watch` on real agents: what changes is said, and nothing else."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import pytest

from tests.agents.cluster import LocalCluster
from tests.agents.shop import Shop
from tests.docs.schemas import check
from tests.screen import terminal

pytestmark = pytest.mark.agents


@pytest.fixture(scope="module")
def shop(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    made = Shop(cluster, tmp_path_factory.mktemp("shops") / "watched")
    yield made
    made.close()


class Lines:
    """A command without a terminal, read line by line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.seen: list[str] = []

    def until(self, word: str) -> str:
        """The next line that has the word."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.seen.append(line)
            if word in line:
                return line
        raise AssertionError(f"{word!r} was never said: {self.seen}")


@contextmanager
def watching(shop: Shop, *arguments: str) -> Iterator[Lines]:
    process = subprocess.Popen(
        shop.command("status", *arguments, "--watch"),
        cwd=shop.root, env=shop.environ(), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield Lines(process)
    finally:
        process.terminate()
        process.communicate(timeout=20)


def test_a_job_from_before_its_first_deploy_to_its_purge(shop: Shop) -> None:
    name = shop.write(count=2)
    with watching(shop, name, "--json") as lines:
        first = json.loads(lines.until("not deployed"))
        assert first["word"] == "seen"
        assert shop.deploy(name).code == 0
        lines.until('"deployment": "successful"')
        shop.write(name, count=2, release="1.1.0")
        assert shop.deploy(name).code == 0
        while True:
            document = json.loads(lines.until('"word": "changed"'))
            rows = document["instances"]
            if len(rows) == 2 and {row["serves"] for row in rows} == {"1.1.0"}:
                break
        shop.nomad(f"/v1/job/{name}?purge=true", method="DELETE")
        assert json.loads(lines.until('"word": "gone"'))["changes"][0]["text"].startswith(name)
        assert lines.process.wait(20) == 0
    documents = [json.loads(line) for line in lines.seen]
    for document in documents:
        check(document)
    versions = [{row["version"] for row in each["instances"]} for each in documents]
    assert {0, 1} in versions, "old and new were never shown together"
    leaving = [row for each in documents for row in each["instances"] if row["leaving"]]
    assert leaving
    assert {row["nomad"] for row in leaving} == {"leaving"}
    # Each document says something new, and nothing twice in a row.
    assert all(document["changes"] for document in documents)
    states = [(each["job"], each["instances"]) for each in documents if each["word"] == "changed"]
    assert all(one != other for one, other in pairwise(states))


def test_lines_are_transitions_only(shop: Shop) -> None:
    name = shop.deployed()
    with watching(shop, name) as lines:
        lines.until("serves 1.0.0")
        before = list(lines.seen)
        assert shop.toolkit("stop", name, "--yes").code == 0
        lines.until("stopped")
        lines.until("left")
    assert [line.split()[0] for line in before] == ["job", "instance"]
    assert before[0].split()[1:3] == [name, "1.0.0"]


def test_a_job_that_nobody_knows_is_refused_at_once(shop: Shop) -> None:
    said = shop.toolkit("status", "nobody-knows-it", "--watch")
    assert said.code == 1
    assert "nobody-knows-it" in said.err


def test_all_jobs_and_what_becomes_of_one(shop: Shop) -> None:
    with watching(shop, "--json") as lines:
        first = json.loads(lines.until('"word": "seen"'))
        assert first["job"] is None
        name = shop.deployed()

        def row(document: dict[str, Any]) -> dict[str, Any]:
            return next((each for each in document["jobs"] if each["name"] == name), {})

        while row(document := json.loads(lines.until(name))).get("deployment") != "successful":
            check(document)
        shop.nomad(f"/v1/job/{name}?purge=true", method="DELETE")
        # The project still has its job file.
        while row(json.loads(lines.until(name)))["state"] != "not deployed":
            pass


def test_on_a_terminal_no_line_is_wider_than_it(shop: Shop) -> None:
    name = shop.deployed(count=2)
    command = shop.command("status", name, "--watch")
    environ = {**shop.environ(), "TERM": "xterm"}
    with terminal(command, columns=80, cwd=shop.root, environ=environ) as view:
        view.until("both serve", lambda text: text.count("1.0.0") == 3)
        wrapped = view.screen.wrapped
        for columns in (60, 200, 40):
            view.resize(columns)
            view.until("drawn again", lambda text: text.count("passing") == 2)
            wrapped += view.screen.wrapped
        view.resize(80)
        assert shop.toolkit("scale", name, "1", "--yes").code == 0
        text = view.until("one is left", lambda text: text.count("healthy  passing") == 1)
        # It ends well, without a word, and leaves the table where it is.
        assert view.interrupt() == 0, view.raw
    assert wrapped + view.screen.wrapped == 0
    assert "error" not in view.raw
    assert "1.0.0" in text
    # One that cannot take lines back gets lines.
    with terminal(command, cwd=shop.root, environ={**environ, "TERM": "dumb"}) as view:
        view.until("it serves", lambda text: "serves 1.0.0" in text)
        assert view.interrupt() == 0, view.raw
    assert "\x1b" not in view.raw


def test_nomad_is_lost_and_comes_back(data_cluster: LocalCluster) -> None:
    shop = Shop(data_cluster, data_cluster.root.parent / "lost")
    name = shop.deployed()
    with watching(shop, name) as lines:
        lines.until("serves 1.0.0")
        data_cluster.stop("nomad")
        lines.until("Nomad is lost")
        data_cluster.start("nomad")
        lines.until("Nomad answers again")
        shop.nomad(f"/v1/job/{name}?purge=true", method="DELETE")
        lines.until("is not registered any more")
        assert lines.process.wait(20) == 0
