"""What a build is made of, what is said of it, and the folder that an engine is sent."""

from __future__ import annotations

import io
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from hook.building.commanding import _done, refuse_nowhere
from hook.building.failing import LAST, LONGEST, MOST, Ears
from hook.building.imaging import place_of
from hook.building.order import Order
from hook.building.script import BAD, LATE, SAYS
from hook.building.unpacking import unpack

from tests.services.hook.hook_process import CONFIG
from toolkit.config.hook import load_hook
from toolkit.errors import ExitCode, RefusedError
from toolkit.repos.builds import BuildFailedError, Code
from toolkit.spec.hook import BuildSettings
from toolkit.spec.repo import Build, Repo
from toolkit.spec.work import TaskState, WorkInstance, WorkReport, WorkVerdict

CODE = Code("http://hook", "shop", "4" * 40, "sha256:" + "0" * 64, "hook.dev")
ORDER = Order(Repo("shop"), Build("web", ("make",), "out"), CODE, "7" * 40, BuildSettings())
DOCKER = replace(ORDER, build=Build("web", dockerfile="Dockerfile"))


def test_another_commit_with_the_same_files_is_the_same_work() -> None:
    assert replace(ORDER, code=replace(CODE, commit="5" * 40)).inputs == ORDER.inputs
    assert replace(ORDER, settings=BuildSettings(seconds=1.0, memory=1)).inputs == ORDER.inputs
    assert replace(DOCKER, settings=BuildSettings(image="python")).inputs == DOCKER.inputs


@pytest.mark.parametrize(
    "other",
    [
        replace(ORDER, tree="8" * 40),
        replace(ORDER, repo=Repo("web")),
        replace(ORDER, build=Build("web", ("make", "all"), "out")),
        replace(ORDER, build=Build("web", ("make",), "dist")),
        replace(ORDER, build=Build("worker", ("make",), "out")),
        replace(ORDER, settings=BuildSettings(driver="docker", image="python:3.12")),
        DOCKER,
    ],
)
def test_whatever_decides_what_comes_of_it_is_other_work(other: Order) -> None:
    assert other.inputs != ORDER.inputs


def test_pieces_become_lines_of_their_own_stream() -> None:
    said: list[str] = []
    ears = Ears("web", said.append)
    ears.piece("stdout", b"one\ntw")
    ears.piece("stderr", b"bad\r\n\n")
    ears.piece("stdout", b"o\nthr\xffee")
    ears.piece("stdout", b"")
    assert said == ["web  one", "web  bad", "web  two", "web  thr\ufffdee"]


def test_lines_are_bounded_and_hold_no_control_characters() -> None:
    said: list[str] = []
    ears = Ears("web", said.append)
    ears.piece("stdout", b"\x1b[31mred\x07\n" + b"x" * 100_000)
    assert said[0] == r"web  \x1b[31mred\x07"
    assert len(said[1]) == len("web  ") + LONGEST


def test_a_build_that_writes_without_end_is_not_all_shown() -> None:
    said: list[str] = []
    ears = Ears("web", said.append)
    for number in range(MOST + 50):
        ears.line(f"line {number}")
    assert len(said) == MOST + 1
    assert said[-1].startswith("web  … it writes more than")
    failed = ears.failed("exit 1")
    assert failed.code is ExitCode.FAILED
    first, *last = failed.message.split("\n")
    assert first == "the build of web failed: exit 1; nothing was registered"
    assert (len(last), last[-1]) == (LAST, f"  line {MOST + 49}")


def archive(folder: Path, *members: tarfile.TarInfo) -> Path:
    path = folder / "code.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for member in members:
            tar.addfile(member, io.BytesIO(b"x" * member.size))
    return path


def member(name: str, size: int = 1, **more: object) -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.size = size
    for key, value in more.items():
        setattr(found, key, value)
    return found


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (member("../out"), "is not a path inside a commit"),
        (member("/etc/passwd"), "is not a path inside a commit"),
        (member("a/../../b"), "is not a path inside a commit"),
        (member("link", 0, type=tarfile.SYMTYPE, linkname="/etc"), "is neither a file nor"),
        (member("link", 0, type=tarfile.LNKTYPE, linkname="first"), "is neither a file nor"),
        (member("dev", 0, type=tarfile.CHRTYPE), "is neither a file nor"),
        (member("large", 1000), "has more than 999 bytes"),
    ],
)
def test_an_archive_with_anything_else_is_refused(
    tmp_path: Path, bad: tarfile.TarInfo, said: str
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(RefusedError, match=said):
        unpack(archive(tmp_path, member("first", 0), bad), folder, most=999)
    assert [each.name for each in tmp_path.iterdir()].count("out") == 0


def test_files_are_there_as_they_were(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    unpack(archive(tmp_path, member("a/b", 3, mode=0o755), member("c", mode=0o644)), folder, most=4)
    assert (folder / "a/b").read_text() == "xxx"
    assert [oct((folder / each).stat().st_mode)[-3:] for each in ("a/b", "c")] == ["755", "644"]


# How the job of a build ended.


def ended(
    verdict: WorkVerdict, code: int | None = None, *, state: TaskState = "failed"
) -> WorkReport:
    instance = WorkInstance("5b2c90aa", "build", "build", "node-1", state, exit_code=code)
    return WorkReport(
        verdict, f"it was {verdict}", "build-shop-web", "dev", "http://nomad", "default", None,
        instances=(instance,),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("report", "why", "code"),
    [
        (ended("failed", 2), "exit 2", ExitCode.FAILED),
        (ended("failed", LATE), "it was not done after 900 s", ExitCode.FAILED),
        (ended("failed", BAD), "there is no out", ExitCode.FAILED),
        (ended("failed"), "it was failed", ExitCode.FAILED),
        # Nothing of the stack is registered, whatever is not known of the build.
        (ended("unknown"), "it was unknown", ExitCode.FAILED),
        (ended("held"), "it was held", ExitCode.FAILED),
        (ended("superseded"), "it was superseded", ExitCode.FAILED),
        (ended("unplaced"), "it was unplaced", ExitCode.UNPLACED),
    ],
)
def test_every_end_but_a_good_one_is_a_failure_with_its_reason(
    report: WorkReport, why: str, code: ExitCode
) -> None:
    ears = Ears("web", lambda _: None)
    ears.line(f"{SAYS}there is no out")
    with pytest.raises(BuildFailedError) as failed:
        _done(report, ORDER, ears)
    assert failed.value.message.startswith(
        f"the build of web failed: {why}; nothing was registered"
    )
    assert failed.value.code is code


def test_work_that_is_done_says_where_its_files_are() -> None:
    ears = Ears("web", lambda _: None)
    assert _done(ended("completed", 0, state="complete"), ORDER, ears) == "5b2c90aa"


@pytest.mark.parametrize(
    ("settings", "state", "driver"),
    [
        (BuildSettings(), "/state.json", "raw_exec"),
        (BuildSettings(driver="docker", image="python"), "/state.json", "docker"),
        (BuildSettings(driver="docker", image="python"), "", "docker"),
        (BuildSettings(), "", None),
    ],
)
def test_a_command_is_refused_where_nobody_said_what_runs_it(
    settings: BuildSettings, state: str, driver: str | None
) -> None:
    config = load_hook(CONFIG)
    config = replace(config, builds=settings, target=replace(config.target, state=state))
    if driver is not None:
        assert refuse_nowhere(config) == driver
        return
    with pytest.raises(RefusedError, match=r"says no \[builds\] driver"):
        refuse_nowhere(config)


def test_amazons_registry_needs_what_talks_to_amazon() -> None:
    settings = BuildSettings(registry="123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop")
    assert place_of(settings, None, has=lambda _: object()) is not None
    with pytest.raises(RefusedError, match="boto3 is not installed"):
        place_of(settings, None, has=lambda _: None)
