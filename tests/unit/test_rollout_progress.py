"""What a rollout says on its way."""

from __future__ import annotations

import pytest

from toolkit.clients.errors_map import from_response
from toolkit.rollout import progress
from toolkit.spec.target import Endpoint

NOMAD = Endpoint("Nomad", "http://nomad.test:4646", "toolkit.toml:3")


@pytest.mark.parametrize(
    ("status", "text", "said"),
    [
        # Of two who watch one rollout, one promotes first: nobody's mistake, and no vendor's words.
        (500, "can't promote terminal deployment", "the deployment ended, or was promoted, in the"),
        (500, 'Task group "web" has 1/2 healthy allocations', "its canaries are not healthy yet"),
        (500, "something new", "something new"),
    ],
)  # fmt: skip
def test_what_nomad_did_not_do_is_told_in_our_words_where_we_know_it(
    status: int, text: str, said: str
) -> None:
    assert said in progress.refused(from_response(NOMAD, status, text, read=False).error)
