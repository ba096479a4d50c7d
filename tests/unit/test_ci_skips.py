"""A skip on a machine of CI fails the run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

TESTS = """
import pytest

def test_passes(): pass

@pytest.mark.xfail(strict=True)
def test_fails_as_expected(): assert False

@pytest.mark.soak
def test_is_long(): pytest.skip("not today")
"""

SKIPS = """
def test_lacks_something(): pytest.skip("docker: no engine")
"""


def run(folder: Path, tests: str, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    (folder / "test_it.py").write_text(tests)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = soak\n")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.ci_skips", "-p", "no:cacheprovider", "."],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environ},
        capture_output=True,
        text=True,
    )


def test_a_skip_fails_the_run_and_is_named(tmp_path: Path) -> None:
    ran = run(tmp_path, TESTS + SKIPS, {"TOOLKIT_CI": "1"})
    assert ran.returncode == 1
    assert "1 skipped, and none may skip here" in ran.stdout
    assert "test_it.py::test_lacks_something: docker: no engine" in ran.stdout


def test_a_file_that_skips_fails_the_run(tmp_path: Path) -> None:
    whole = 'import pytest\npytest.skip("no zsh", allow_module_level=True)\n'
    (tmp_path / "test_other.py").write_text("def test_passes(): pass\n")
    ran = run(tmp_path, whole, {"TOOLKIT_CI": "1"})
    assert ran.returncode == 1
    assert "test_it.py: no zsh" in ran.stdout


@pytest.mark.parametrize(("tests", "environ"), [(TESTS, {"TOOLKIT_CI": "1"}), (TESTS + SKIPS, {})])
def test_long_ones_may_skip_and_so_may_all_at_home(
    tmp_path: Path, tests: str, environ: dict[str, str]
) -> None:
    ran = run(tmp_path, tests, environ)
    assert ran.returncode == 0, ran.stdout
