"""What tasks write before they die: too much, what would steer a terminal, or nothing left.

The commands run as processes of their own where their memory is looked at.
"""

from __future__ import annotations

import io
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.agents.cluster import LocalCluster
from tests.agents.memory import resident_until_over
from tests.agents.plain import plain
from tests.agents.shop import Said, Shop
from toolkit.cli.main import run
from toolkit.cli.world import World

pytestmark = pytest.mark.agents

HUNDRED = 100_000_000
MUCH = 400
"""Megabytes that no command may need; what is written is a quarter of it in one of them."""
ROOM = """
logs {
  max_files     = 11
  max_file_size = 10
}
"""
FLOOD = f"""
yes "GET /index.html 200 in 3 ms" | head -c {HUNDRED} >&2
printf '\\nFATAL the disk of the database is full\\n' >&2
exit 9
"""
ENDLESS = f"""
head -c {HUNDRED} /dev/zero | tr '\\0' 'x' >&2
exit 9
"""
# A title for the window, a cleared screen, a line over another one, bytes that are no text.
UGLY = r"""
printf 'booting\n\033]0;owned\007\033[2J\033[31mFATAL\033[0m \377\376 ' >&2
printf 'caf\303\251 \302\233 gone\rFINE\n' >&2
printf '\342\200\256 esrever \342\200\213\n' >&2
exit 9
"""
HOSTILE = ("\x1b]0;owned", "\x07", "\x1b[2J", "\x1b[31mFATAL", "gone\rFINE", "\x9b", "\u202e")
STEERING = ("\x1b", "\x07", "\x9b", "\r", "\u202e")


@dataclass(frozen=True)
class Ran:
    """A command that ran as a process."""

    said: Said
    megabytes: int
    """The most memory that it had."""


@pytest.fixture(scope="module")
def shop(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = Shop(cluster, tmp_path_factory.mktemp("shops") / "output")
    yield shop
    shop.close()


def measured(shop: Shop, *arguments: str) -> Ran:
    """Run a command and see how much memory it took."""
    with (shop.root / "out").open("w+") as out, (shop.root / "err").open("w+") as err:
        process = subprocess.Popen(
            shop.command(*arguments), cwd=shop.root, env=shop.environ(), stdout=out, stderr=err
        )
        peak = resident_until_over(process)
        out.seek(0)
        err.seek(0)
        said = Said(process.returncode, out.read(), err.read())
    return Ran(said, peak)


def written(name: str, script: str) -> str:
    text = plain(name, script, group="ephemeral_disk {\n  size = 150\n}\n")
    start = text.index("logs {")
    return text[:start] + ROOM.strip() + text[text.index("}", start) + 1 :]


def first_cause(said: Said) -> dict[str, Any]:
    assert (said.code, said.report["verdict"]) == (3, "failed"), said.err
    cause: dict[str, Any] = said.report["causes"][0]
    assert cause["kind"] == "crash"
    assert "exited 9" in cause["summary"]
    return cause


@pytest.mark.parametrize(
    ("script", "last"),
    [(FLOOD, "stderr: FATAL the disk of the database is full"), (ENDLESS, "stderr: …xxxxx")],
    ids=["lines", "one line"],
)
def test_a_hundred_megabytes_are_read_from_their_end(shop: Shop, script: str, last: str) -> None:
    name = shop.name("flood")
    shop.plain(name, written(name, script))
    deployed = measured(shop, "deploy", name, "--json")
    cause = first_cause(deployed.said)
    assert any(line.startswith(last) for line in cause["evidence"]), cause
    # One screen of it, and no endless line.
    assert len(cause["evidence"]) <= 20
    assert max(map(len, cause["evidence"])) < 1000
    assert deployed.megabytes < MUCH
    shown = measured(shop, "logs", name, "--stderr", "--lines", "5")
    assert shown.said.code == 0, shown.said.err
    assert shown.megabytes < MUCH
    assert len(shown.said.out) <= 5_000_000
    if script == FLOOD:
        lines = shown.said.out.splitlines()
        assert len(lines) == 5
        assert lines[-1].endswith("FATAL the disk of the database is full")


class Terminal(io.StringIO):
    """Standard output of somebody who looks."""

    def isatty(self) -> bool:
        return True


def looked_at(shop: Shop, *arguments: str) -> str:
    """What a command writes to a terminal, without any colour of its own."""
    out, err = Terminal(), Terminal()
    run(World(arguments, shop.environ(), io.StringIO(), out, err, shop.root))
    return out.getvalue() + err.getvalue()


def test_what_would_steer_a_terminal_is_made_harmless(shop: Shop) -> None:
    name = shop.name("ugly")
    shop.plain(name, plain(name, UGLY))
    cause = first_cause(shop.deploy(name))
    evidence = "\n".join(cause["evidence"])
    assert "FATAL" in evidence
    assert "café" in evidence
    assert "�" in evidence
    assert [code for code in STEERING if code in evidence] == []
    other = shop.name("ugly")
    text = looked_at(shop, "deploy", shop.plain(other, plain(other, UGLY)))
    assert "FATAL" in text
    shown = looked_at(shop, "logs", name, "--stderr")
    assert "FATAL" in shown
    assert "café" in shown
    assert [code for code in STEERING if code in shown] == []
    # The command draws a line anew by itself; of the task's own steering nothing is left.
    assert [code for code in HOSTILE if code in text] == []


def test_logs_for_a_program_are_a_document_a_line_whatever_was_written(shop: Shop) -> None:
    name = shop.name("ugly")
    shop.plain(name, plain(name, UGLY))
    assert shop.deploy(name).code == 3
    said = shop.toolkit("logs", name, "--stderr", "--json")
    assert said.code == 0, said.err
    texts = [json.loads(line)["text"] for line in said.out.splitlines()]
    assert any("FATAL" in text and "café" in text for text in texts)


# Logs that Nomad has collected meanwhile.


def test_logs_that_are_collected_are_said_to_be_gone(shop: Shop) -> None:
    name = shop.name("collected")
    shop.plain(name, plain(name, "echo FATAL alas >&2; exit 9"))
    cause = first_cause(shop.deploy(name))
    assert "stderr: FATAL alas" in cause["evidence"]
    short = str(cause["allocation"])[:8]
    collected = f"/v1/client/allocation/{cause['allocation']}/gc"
    shop.nomad(collected)
    for what in (name, short):
        said = shop.toolkit("logs", what, "--stderr")
        assert "Traceback" not in said.err
        assert "FATAL" not in said.out
        told = said.out + said.err
        assert any(word in told for word in ("not found", "gone", "collected")), told
    again = shop.toolkit("explain", short)
    assert again.code == 0, again.err
    assert "exited 9" in again.out
    assert "collect" in again.out
    assert "FATAL" not in again.out


# What is meant by an id.


def test_an_id_that_matches_nothing_or_several_things(shop: Shop) -> None:
    name = shop.name("meant")
    shop.plain(name, plain(name))
    assert shop.deploy(name).code == 0
    nothing = shop.toolkit("explain", "ffffffff", "--json")
    assert nothing.code == 1
    assert "ffffffff" in nothing.error["message"]
    assert nothing.error["hint"]
    # Of more ids than there are digits, some two begin alike.
    firsts: dict[str, list[str]] = {}
    number = 0
    while not any(len(found) > 1 for found in firsts.values()):
        number += 1
        assert number < 40
        for each in shop.nomad("/v1/evaluations") + shop.nomad("/v1/allocations"):
            found = firsts.setdefault(each["ID"][:2], [])
            if each["ID"] not in found:
                found.append(each["ID"])
        shop.nomad(f"/v1/job/{name}/evaluate", {"JobID": name})
    short = next(start for start, found in firsts.items() if len(found) > 1)
    several = shop.toolkit("explain", short, "--json")
    assert several.code == 1, several.out
    assert "traceback" not in several.err.lower()
    assert several.error["hint"]
