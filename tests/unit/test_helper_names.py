"""Tests' own modules, found by processes that tests start with this process's `sys.path`."""

from __future__ import annotations

import sys
from importlib.metadata import packages_distributions
from pathlib import Path

TESTS = Path(__file__).parents[1]


def test_no_module_of_the_tests_hides_a_library() -> None:
    # pytest puts each folder of tests on the path: there a `nomad.py` is python-nomad.
    libraries = {*sys.stdlib_module_names, *packages_distributions()} - {"tests", "bench"}
    hiding = [path for path in TESTS.rglob("*.py") if path.stem in libraries]
    assert hiding == []
