"""A disk without room where the project, its state and the caches are: nothing lost, no half file.

`toolkit dev up` on such a disk is in `tests/agents/test_dev_up.py`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agents.cluster import LocalCluster
from tests.agents.shop import Shop
from tests.faults.shell import call, files, refusal
from tests.faults.small_disk import fill, small_disk
from toolkit.workflows.init import init

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root"),
]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 256 KiB."""
    with small_disk(tmp_path / "disk") as made:
        yield made


def test_init_keeps_nothing_of_a_project_that_does_not_fit(disk: Path) -> None:
    fill(disk)
    said = refusal(disk.parent, "init", str(disk / "shop"))
    assert "No space left on device" in said
    assert "nothing was kept" in said
    assert [path.name for path in disk.iterdir()] == ["ballast"]


def test_rendering_into_a_file_that_does_not_fit(disk: Path) -> None:
    init(disk / "shop")
    out = disk / "hello.hcl"
    out.write_text("what was there before")
    fill(disk)
    before = files(disk)
    said = refusal(disk / "shop", "render", "hello", "--out", str(out))
    assert f"{out} cannot be written: No space left on device" in said
    assert files(disk) == before


def test_a_full_cache_is_no_reason_to_fail(disk: Path, tmp_path: Path) -> None:
    init(tmp_path / "shop")
    fill(disk)
    said = call(tmp_path / "shop", "render", "hello", environ={"XDG_CACHE_HOME": str(disk)})
    assert said.code == 0, said.err
    assert 'job "hello"' in said.out


@pytest.mark.agents
def test_a_bump_whose_release_cannot_be_written_down(cluster: LocalCluster, disk: Path) -> None:
    shop = Shop(cluster, disk / "shop")
    try:
        name = shop.deployed()
        fill(disk)
        before = files(disk / "shop" / "jobs")
        said = shop.toolkit("bump", name, "1.1.0", "--json")
        assert (said.code, said.report["verdict"]) == (0, "deployed"), said.out + said.err
        assert shop.serves(name) == ["1.1.0"]
        [told] = [text for text in said.told("note") if "could not be written down" in text]
        assert "No space left on device" in told
        assert said.report["next"] == (
            f'write release.version = "1.1.0" to jobs/{name}/job.toml by hand'
        )
        assert files(disk / "shop" / "jobs") == before
    finally:
        shop.close()
