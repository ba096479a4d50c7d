from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.scripted import Scripted
from tests.identity.nomad_server import Lab, State


@pytest.fixture
def lab() -> Iterator[Lab]:
    """A verifier whose Nomad says what the test tells it to."""
    state = State()
    with Scripted(state.answer) as server:
        made = Lab(server, state)
        yield made
        made.verifier.close()
