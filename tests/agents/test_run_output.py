"""What the tasks of a run write arrives whole, once and in order, however much it is."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.agents.cluster import LocalCluster
from tests.agents.memory import resident
from tests.agents.shop import Shop
from tests.agents.work import ended, group, task, write
from tests.faults.proxy import FaultProxy
from toolkit.spec.work import Written
from toolkit.workflows.run import run

pytestmark = pytest.mark.agents

NUMBERS = "awk 'BEGIN { for (n = 1; n <= LAST; n++) printf \"%d %090d\\n\", n, n }'; sleep 0.5"
MEGABYTES = 100
LARGE = f"""import os, time
line = bytes(range(256)) * 255 + b"\\n" * 256
for number in range({MEGABYTES} * 16):
    os.write(1, line)
time.sleep(0.5)
"""
MOST_MEMORY = 250
"""Megabytes that a run may take at most, whatever the task writes."""


@pytest.fixture(scope="module")
def shop(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = Shop(cluster, tmp_path_factory.mktemp("shops") / "runs-output")
    yield shop
    shop.close()


def numbers(text: str) -> list[int]:
    return [int(line.split()[0]) for line in text.splitlines()]


def test_a_log_that_nomad_deleted_from_is_said_to_be_cut(shop: Shop) -> None:
    # Five megabytes, of which Nomad keeps two files of one.
    script = NUMBERS.replace("LAST", "50000")
    name = write(shop, shop.name("rotated"), group(task(script, files=2)))
    assert ended(shop.toolkit("run", name, "--detach", "--json")) == (0, "submitted")
    shop.until("the work to end", lambda: shop.job(name)["Status"] == "dead")
    said = shop.toolkit("attach", name)
    assert said.code == 0, said.err
    assert "is not whole: Nomad deleted a log file before it was read" in said.err
    # Its first line may be a part of one.
    found = numbers(said.out.partition("\n")[2])
    assert found == list(range(found[0], 50001)) and found[0] > 1


def test_a_connection_that_breaks_costs_no_byte(shop: Shop) -> None:
    # Four log files, so that it breaks inside of one and between two.
    script = NUMBERS.replace("LAST", "40000")
    name = write(shop, shop.name("broken"), group(task(script, files=9)))
    output: list[bytes] = []
    with FaultProxy(shop.cluster.nomad_address) as proxy:

        def hear(piece: Written) -> None:
            output.append(piece.data)
            if len(output) % 8 == 5:
                proxy.cut_connections()

        report = run(shop.session(nomad_address=proxy.address), name, on_output=hear)
    assert report.verdict == "completed", report.sentence
    assert numbers(b"".join(output).decode()) == list(range(1, 40001))
    assert not report.notes


def test_bytes_that_are_no_text_arrive_as_they_are_and_memory_stays_small(shop: Shop) -> None:
    """A hundred megabytes of every byte there is."""
    files = MEGABYTES * 6 // 5
    name = write(shop, shop.name("large"), group(task(LARGE, files=files, memory=48)))
    said = shop.root / "said"
    with said.open("wb") as err:
        process = subprocess.Popen(
            [sys.executable, "-m", "toolkit", "run", name],
            cwd=shop.root, env=shop.environ(), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=err,
        )  # fmt: skip
        assert process.stdout is not None
        found, size, peak = hashlib.sha256(), 0, 0
        while piece := process.stdout.read(1 << 16):
            found.update(piece)
            size += len(piece)
            peak = resident(process.pid) or peak
        process.stdout.close()
        process.wait()
    assert process.returncode == 0, said.read_text(errors="replace")
    line = bytes(range(256)) * 255 + b"\n" * 256
    assert size == MEGABYTES * 16 * len(line)
    wanted = hashlib.sha256()
    for _ in range(MEGABYTES * 16):
        wanted.update(line)
    assert found.digest() == wanted.digest()
    assert 0 < peak < MOST_MEMORY


def test_a_reader_that_goes_away_ends_the_talk_and_not_the_work(shop: Shop) -> None:
    name = write(shop, shop.name("head"), NUMBERS.replace("LAST", "9000"))
    process = subprocess.Popen(
        [sys.executable, "-m", "toolkit", "run", name],
        cwd=shop.root, env=shop.environ(), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None and process.stderr is not None
    assert process.stdout.readline().startswith("1 ")
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 0, said
    assert "completed" in said and "Traceback" not in said
