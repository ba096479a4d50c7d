"""What is looked at before anything is made, and what is said of what lacks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster.small import LIMIT, need_root
from toolkit.cluster.rehearsal.check import TRIALS, Trial, attempt, check_host
from toolkit.errors import RefusedError

pytestmark = pytest.mark.root


@pytest.fixture(autouse=True)
def as_root() -> None:
    need_root()


def test_this_machine_can_rehearse(tmp_path: Path) -> None:
    check_host(tmp_path / "not" / "there" / "yet")
    assert list(tmp_path.iterdir()) == []


def test_without_root_it_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="needs root") as refused:
        check_host(tmp_path, user=1000)
    assert "sudo" in str(refused.value.hint)


def test_elsewhere_than_on_linux_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="needs Linux"):
        check_host(tmp_path, platform="darwin")


def test_every_program_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(RefusedError) as refused:
        check_host(tmp_path, path=str(tmp_path))
    assert "no program nsenter; " in refused.value.message
    assert "no program unshare" in refused.value.message


CHECK = """
import sys
from pathlib import Path
from toolkit.cluster.rehearsal.check import check_host
from toolkit.errors import RefusedError
try:
    check_host(Path(sys.argv[1]))
except RefusedError as error:
    print(error.message)
"""


def test_without_namespaces_it_is_refused_and_everything_that_lacks_is_said(
    tmp_path: Path,
) -> None:
    done = subprocess.run(
        ["setpriv", "--bounding-set=-sys_admin,-net_admin", "--inh-caps=-all", sys.executable,
         "-c", CHECK, str(tmp_path)],
        capture_output=True, text=True, timeout=LIMIT, check=True,
    )  # fmt: skip
    assert done.stdout.startswith("this machine cannot rehearse a cluster: no namespaces (")
    assert "no bridges and veth (" in done.stdout
    assert "no overlay file systems in this folder (" in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.what)
def test_every_trial_can_fail(trial: Trial, tmp_path: Path) -> None:
    broken = Trial(trial.what, trial.flags, f"{trial.shell} && echo the last word >&2 && exit 3")
    assert attempt(broken, tmp_path) == "the last word"
