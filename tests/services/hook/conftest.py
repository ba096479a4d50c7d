"""Fixtures of the hook server's tests; `rig.py` and `hook_process.py` say what they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hook.children.children import Children

from tests.services.hook.hook_process import HookProcess, hook_process
from tests.services.hook.rig import HookRig, make_rig


@pytest.fixture(scope="session")
def portal() -> Iterator[BlockingPortal]:
    """A loop in a thread of its own, for the applications of all tests."""
    with start_blocking_portal() as running:
        yield running


@pytest.fixture(scope="session")
def children() -> Iterator[Children]:
    """Children that ask nobody who their parent is, and leave it as it was."""
    running = Children()
    yield running
    running.close()


@pytest.fixture
def hook_rig(portal: BlockingPortal, tmp_path: Path) -> Iterator[HookRig]:
    """A hook server in this process, with repositories and an audit of its own on the disk."""
    with make_rig(portal, tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def still(portal: BlockingPortal, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HookRig]:
    """A server for requests that are refused: in the end it has done nothing."""
    data = tmp_path_factory.mktemp("still")
    with make_rig(portal, data) as made:
        yield made
        assert made.hook.registry.all() == ()
        assert made.entries() == []


@pytest.fixture(scope="module")
def hook_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HookProcess]:
    """A hook server as a process, beside a Nomad that knows the tokens of `hook_process.py`."""
    with hook_process(tmp_path_factory.mktemp("hook")) as running:
        yield running
