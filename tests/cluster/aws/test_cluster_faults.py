"""Each call of `up` and `down` goes wrong in each way; done again, the command comes to its end.

The command is broken at its n-th call, and then nothing stands in its way. `up` must then end well
with one stack, one key and one of each secret; `down` must leave nothing: not a resource, not a
secret, not a record. A command that is killed is a process of its own; the others run in this one.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

from tests.cluster.aws import commands
from tests.cluster.aws.account import ROOT, Aws
from tests.cluster.aws.leftovers import leftovers, living_keys
from tests.cluster.aws.standing import Standing, owner, standing
from toolkit.errors import ExitCode

Kind = Literal["throttle", "lost", "500", "kill"]
KINDS: tuple[Kind, ...] = ("throttle", "lost", "500", "kill")
SEED = 20260
EACH = 26
"""Cases of a kind and a phase."""
AGAIN = 3
"""Times at most that a command is given again: what it had begun may have to end first."""
ENDS = {ExitCode.OK, ExitCode.REFUSED, ExitCode.FAILED, ExitCode.UNKNOWN}


@dataclass(frozen=True)
class Case:
    """One command broken at one call."""

    command: Literal["up", "down"]
    kind: Kind
    where: float | str
    """Which call: 0 is the first, 1 the last; or the first of an operation."""
    on: bool
    """All calls from there on, not only the one; for a kill: after it is done, not before."""

    def __str__(self) -> str:
        where = self.where if isinstance(self.where, str) else f"{self.where:.3f}"
        return f"{self.command}-{self.kind}-{where}{'-on' if self.on else ''}"


def _cases(each: int) -> list[Case]:
    chance = random.Random(SEED)
    found = []
    for command in ("up", "down"):
        for kind in KINDS:
            for at in range(each):
                # One in each part of the way, so that together they see all of it.
                where = (at + chance.random()) / each
                found.append(Case(command, kind, where, chance.random() < 0.5))
    return found


DEEDS: dict[Literal["up", "down"], tuple[str, ...]] = {
    "up": (
        "CreateKey", "CreateAlias", "PutParameter", "CreateChangeSet", "ExecuteChangeSet",
        "DescribeStackEvents",
    ),
    "down": (
        "UpdateAutoScalingGroup", "ChangeResourceRecordSets", "DeleteStack", "DeleteVolume",
        "DeleteParameters", "ScheduleKeyDeletion", "DeleteAlias",
    ),
}  # fmt: skip
"""What each command changes by, in its order."""


def _sample() -> list[Case]:
    """One of each command and kind, at one of the deeds."""
    chance = random.Random(SEED)
    return [
        Case(command, kind, where, chance.random() < 0.5)
        for command, deeds in DEEDS.items()
        for kind, where in zip(KINDS, chance.sample(deeds, len(KINDS)), strict=True)
    ]


SAMPLE = _sample()
ALL = _cases(EACH) + [
    Case(command, kind, where, on)
    for command, deeds in DEEDS.items()
    for kind in KINDS
    for where in deeds
    for on in (False, True)
]


def test_there_are_cases_enough() -> None:
    assert len(ALL) >= 200
    assert {(each.command, each.kind) for each in SAMPLE} == {
        (command, kind) for command in ("up", "down") for kind in KINDS
    }


@pytest.fixture(scope="session")
def lengths(aws_server: Aws, tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """How many calls a command sends when nothing goes wrong, all of them known to end well."""
    aws_server.reset()
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in aws_server.environ.items():
            patch.setenv(name, value)
        folder = standing(aws_server, tmp_path_factory.mktemp("lengths")).folder
        for command in (commands.up, commands.down):
            aws_server.forget()
            ended = command(folder)
            assert ended.code == 0, ended.said
            found[command.__name__] = len(aws_server.calls())
    assert not leftovers(aws_server)
    return found


def _id(case: Case) -> str:
    return str(case)


@pytest.mark.parametrize("case", SAMPLE, ids=_id)
def test_broken_anywhere_it_ends_well(case: Case, aws: Aws, tmp_path: Path) -> None:
    _try(case, aws, {}, tmp_path)


@pytest.mark.soak
@pytest.mark.parametrize("case", ALL, ids=_id)
def test_broken_at_every_call_it_ends_well(
    case: Case, aws: Aws, lengths: dict[str, int], tmp_path: Path
) -> None:
    _try(case, aws, lengths, tmp_path)


def _try(case: Case, aws: Aws, lengths: dict[str, int], folder: Path) -> None:
    own = standing(aws, folder)
    if case.command == "down":
        own.make()
        _write_names(own)
    aws.forget()
    if isinstance(case.where, str):
        where: dict[str, Any] = {"operation": case.where}
    else:
        where = {"at": 1 + int(case.where * (lengths[case.command] - 1))}
    if case.kind == "kill":
        _killed(case, aws, folder, where)
    else:
        _broken(case, aws, folder, where)
    broken = [each for each in aws.calls() if each.fault]
    assert broken or not isinstance(case.where, str), f"there was no {case.where}"
    aws.calm()
    _no_secret_elsewhere(aws, own)
    if case.command == "up":
        _comes_up(aws, own)
    _goes_down(case, aws, own)


def _write_names(own: Standing) -> None:
    """This cluster's and others', in public; and what somebody left in the private zone."""
    for name, cluster in (("a", "prod"), ("b", "other")):
        own.record(f"{name}.example.com", "A", "192.0.2.7")
        own.record(f"_toolkit.{name}.example.com", "TXT", owner(cluster))
    own.record("www.example.com", "A", "192.0.2.8")
    own.record("x.prod.internal", "A", "10.42.0.9", zone=own.physical("Zone"))


def _broken(case: Case, aws: Aws, folder: Path, where: dict[str, Any]) -> None:
    """Every error is one of ours, with a code of the table."""
    aws.fault(case.kind, **where, times=-1 if case.on else 1)
    # What was done and not answered is asked for again by boto3 itself; the rest ends at once.
    attempts = 2 if case.kind == "lost" else 1
    ended = {"up": commands.up, "down": commands.down}[case.command](folder, attempts=attempts)
    assert ended.code in ENDS, ended.said
    reached = any(each.fault for each in aws.calls())
    if reached and case.kind == "500" and case.on and "at" in where:
        # A cluster that was verified is up; what is not a part of that may be unknown, and is said.
        notes = getattr(ended.report, "notes", ())
        said = any("is not known" in each for each in notes)
        assert ended.code != ExitCode.OK or said, "nothing after that was answered"


def _killed(case: Case, aws: Aws, folder: Path, where: dict[str, Any]) -> None:
    """The command waits for an answer that does not come, and is ended without a word."""
    aws.fault("stuck" if case.on else "hang", **where)
    paths = os.pathsep.join([str(ROOT), *(path for path in sys.path if path)])
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.cluster.aws.commands", case.command],
        cwd=folder,
        env={**aws.environ, "PATH": os.defpath, "PYTHONPATH": paths, "HOME": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        # A run may need fewer looks than the one that was counted: then it is over.
        while not aws.wait_hanging(0.2):
            if process.poll() is not None:
                assert process.returncode == 0, process.communicate()
                break
    finally:
        process.kill()
        process.communicate()


def _comes_up(aws: Aws, own: Standing) -> None:
    ended = _again(commands.up, own.folder)
    assert ended.code == 0, ended.said
    assert own.status() in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
    assert len(living_keys(aws)) == 1


def _goes_down(case: Case, aws: Aws, own: Standing) -> None:
    ended = _again(commands.down, own.folder)
    assert ended.code == 0, ended.said
    left = leftovers(aws)
    if case.command == "down":
        # What is marked as another's, or not at all, stays.
        assert left == [
            "Records _toolkit.b.example.com. TXT",
            "Records b.example.com. A",
            "Records www.example.com. A",
        ]
    else:
        assert left == []


def _again(command: object, folder: Path) -> commands.Ended:
    assert callable(command)
    for _ in range(AGAIN):
        ended: commands.Ended = command(folder)
        if ended.code == 0:
            break
    return ended


def _no_secret_elsewhere(aws: Aws, own: Standing) -> None:
    """Secrets go to the parameters and nowhere else."""
    secrets = {
        each["Value"]
        for page in aws.client("ssm")
        .get_paginator("get_parameters_by_path")
        .paginate(Path="/toolkit/prod/", Recursive=True, WithDecryption=True)
        for each in page["Parameters"]
        if each["Type"] == "SecureString"
    }
    for call in aws.calls():
        if call.service != "ssm":
            body = json.dumps(call.body)
            assert not any(secret in body for secret in secrets if len(secret) > 15)
